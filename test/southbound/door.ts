import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { configSchema, type ListenerConfig } from '../../src/config/schema.ts';
import type { InformOutcome, InformReport } from '../../src/fleet/informs.ts';
import type { TransferReport } from '../../src/fleet/transfers.ts';
import { createListener, type Listener, type ListenerDeps } from '../../src/southbound/listener.ts';
import { createTicketKeys, type TicketKeys } from '../../src/southbound/ticket-keys.ts';
import type { Admission, Gate, HandshakeFacts, TlsFailure } from '../../src/trust/admission.ts';
import type { TrustAnchor } from '../../src/trust/anchors.ts';
import type { Refusal } from '../../src/trust/refusal.ts';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { cleanup } from '../support/cleanup.ts';
import { idleServices, storedInform } from './fleet.ts';
import { type Credentials, createPki, type Pki, scratch, serverLeaf, writeCredentials } from './pki.ts';

export interface FakeGate extends Gate {
  readonly handshakes: HandshakeFacts[];
  readonly failures: TlsFailure[];
  readonly admissions: Admission[];
  readonly sessionRefusals: { admission: Admission; reason: string; detail: string }[];
  readonly released_: Admission[];
  /** Awaited before each verdict. */
  pause: Promise<unknown>;
  /** By common name of the leaf. */
  readonly blocked: Set<string>;
  sharedSecret: 'refuse' | 'ignore';
}

/** Admits whoever shows a certificate that the PKI issued; a stand-in for the trust room. */
export function fakeGate(pki: Pki): FakeGate {
  const issuer = new X509Certificate(pki.intermediate.pem);
  const refusal = (reason: Refusal['reason']): Refusal => {
    return { id: 'refusal', outcome: 'refused', stage: 'path', reason, detail: 'unspecified', peer: 'stranger' };
  };
  const gate: FakeGate = {
    handshakes: [],
    failures: [],
    admissions: [],
    sessionRefusals: [],
    released_: [],
    pause: Promise.resolve(),
    blocked: new Set(),
    sharedSecret: 'refuse',
    admit: async (handshake) => {
      gate.handshakes.push(handshake);
      await gate.pause;
      const [der] = handshake.chain;
      if (der === undefined) return refusal('no_client_cert');
      const leaf = new X509Certificate(der);
      if (!leaf.verify(issuer.publicKey)) return refusal('chain_untrusted');
      const name = leaf.subject.replace('CN=', '');
      if (gate.blocked.has(name)) return refusal('device_blocked');
      const admission = {
        outcome: 'admitted',
        id: `admission-${gate.admissions.length}`,
        at: new Date(),
        deviceId: name,
        identity: { anchor: 'test', kind: 'hnb-fqdn', value: name, oui: '00A0BC' },
        path: undefined,
        fingerprint: createHash('sha256').update(der).digest('hex'),
        handshake,
        sharedSecret: gate.sharedSecret,
      } as unknown as Admission;
      gate.admissions.push(admission);
      return admission;
    },
    withdraw: () => undefined,
    open: () => [],
    openOf: () => [],
    refuseTls: (failure) => {
      gate.failures.push(failure);
    },
    refuseSession: (admission, reason, detail) => {
      gate.sessionRefusals.push({ admission, reason, detail });
    },
    released: (admission) => {
      gate.released_.push(admission);
    },
    close: () => Promise.resolve(),
  };
  return gate;
}

export interface Ground {
  readonly pki: Pki;
  readonly folder: string;
  readonly ec: Credentials;
  readonly rsa: Credentials;
  readonly device: Credentials;
}

/** Made once for a test file: minting keys takes time. */
export async function ground(): Promise<Ground> {
  const pki = await createPki('test');
  const [ec, rsa, device] = await Promise.all([
    serverLeaf(pki),
    serverLeaf(pki, { key: 'rsa' }),
    pki.leaf('00a0bc000001.hnb.acme.example'),
  ]);
  return { pki, folder: scratch(), ec, rsa, device };
}

export interface DoorOptions {
  readonly listener?: Partial<ListenerConfig>;
  readonly limits?: Readonly<Record<string, string | number>>;
  readonly certificates?: readonly Credentials[];
  readonly ticketKeys?: TicketKeys;
  readonly recordInform?: (report: InformReport) => Promise<InformOutcome>;
  readonly deps?: Partial<ListenerDeps>;
}

export interface Door {
  readonly port: number;
  readonly url: string;
  readonly gate: FakeGate;
  readonly listener: Listener;
  readonly informs: InformReport[];
  readonly transfers: TransferReport[];
  readonly metrics: Registry;
  readonly log: Record<string, unknown>[];
  readonly files: readonly { chain: string; key: string }[];
  /** Value of one series, e.g. `hems_southbound_sessions{listener="door"}`; 0 if there is none. */
  metric(series: string): Promise<number>;
}

let doors = 0;

export async function prepareDoor({ pki, folder, ec, rsa }: Ground, options: DoorOptions = {}) {
  doors += 1;
  const files = (options.certificates ?? [ec, rsa]).map((credentials, i) =>
    writeCredentials(folder, `door${doors}-${i}`, credentials),
  );
  const config = configSchema.parse({
    listeners: [{ name: 'door', port: 0, publicUrl: 'https://localhost/cwmp', certificates: files, anchors: ['test'] }],
    anchors: [{ name: 'test', certificates: ['unused'] }],
    limits: options.limits ?? {},
  });
  const [listenerConfig] = config.listeners;
  const anchor = { name: 'test', path: { certificates: [parseCertificate(pki.root.der)] } };
  const gate = fakeGate(pki);
  const informs: InformReport[] = [];
  const transfers: TransferReport[] = [];
  const metrics = new Registry();
  const log: Record<string, unknown>[] = [];
  const ticketKeys = options.ticketKeys ?? createTicketKeys(config.maxResumptionAge);
  const result = await createListener({
    config: { ...(listenerConfig as ListenerConfig), ...options.listener },
    configKey: 'listeners[0]',
    limits: config.limits,
    anchors: [anchor as unknown as TrustAnchor],
    gate,
    recordInform: async (report) => {
      informs.push(report);
      return options.recordInform?.(report) ?? { ...storedInform, hasTasks: options.deps?.tasks !== undefined };
    },
    recordTransfer: async (report) => {
      transfers.push(report);
      return { repeated: false };
    },
    ...idleServices,
    ticketKeys,
    clock: { now: () => new Date() },
    logger: pino({ level: 'debug' }, { write: (line: string) => log.push(JSON.parse(line)) }),
    metrics,
    watchInterval: 50,
    ...options.deps,
  });
  return { result, gate, informs, transfers, metrics, log, files, ticketKeys };
}

export async function openDoor(t: TestContext, on: Ground, options: DoorOptions = {}): Promise<Door> {
  const { result, ticketKeys, ...rest } = await prepareDoor(on, options);
  if (!result.ok) throw new Error(`no door: ${JSON.stringify(result.faults)}`);
  const { listener } = result;
  const { port } = await listener.listen();
  cleanup(t, async () => {
    await listener.close();
    if (options.ticketKeys === undefined) ticketKeys.stop();
  });
  const metric = async (series: string): Promise<number> => {
    const text = await rest.metrics.metrics();
    const line = text.split('\n').find((one) => one.startsWith(`${series} `));
    return line === undefined ? 0 : Number(line.slice(series.length + 1));
  };
  return { port, url: `https://localhost:${port}/cwmp`, listener, metric, ...rest };
}

export interface Client {
  readonly socket: TLSSocket;
  /** TLS 1.3 tickets that came so far. */
  readonly tickets: readonly Buffer[];
  /** Everything received so far. */
  text(): string;
  /** Resolves when the server ended the connection. */
  readonly ended: Promise<unknown>;
  send(bytes: string | Buffer): void;
  /** Waits until what was received matches. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
}

/** A TLS client with its handshake done (its side of it: in TLS 1.3 the server may still refuse). */
export async function call(
  t: TestContext,
  door: { port: number },
  { pki, device }: Ground,
  options: ConnectionOptions = {},
): Promise<Client> {
  const socket = connect({
    host: '127.0.0.1',
    port: door.port,
    servername: 'localhost',
    ca: pki.root.pem,
    ...device,
    ...options,
  });
  cleanup(t, () => socket.destroy());
  const tickets: Buffer[] = [];
  socket.on('session', (ticket: Buffer) => tickets.push(ticket));
  let received = '';
  const waiting = new Set<() => void>();
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    for (const wake of waiting) wake();
  });
  const ended = new Promise((resolve) => {
    socket.once('close', resolve);
    socket.once('end', resolve);
  });
  socket.on('error', () => {});
  await once(socket, 'secureConnect', { signal: AbortSignal.timeout(5000) });
  return {
    socket,
    tickets,
    ended,
    text: () => received,
    send: (bytes) => {
      socket.write(bytes);
    },
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const match = pattern.exec(received);
          if (match === null) return;
          done();
          resolve(match);
        };
        const closed = (): void => {
          done();
          reject(new Error(`closed before ${pattern}; received: ${JSON.stringify(received)}`));
        };
        const late = setTimeout(closed, 5000);
        const done = (): void => {
          clearTimeout(late);
          waiting.delete(check);
          socket.off('close', closed);
        };
        waiting.add(check);
        socket.once('close', closed);
        check();
      }),
  };
}

export async function eventually(condition: () => boolean | Promise<boolean>, within = 5000): Promise<void> {
  const until = Date.now() + within;
  while (!(await condition())) {
    if (Date.now() > until) throw new Error(`not within ${within} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function post(body: string, headers: Readonly<Record<string, string>> = {}): string {
  const all = {
    Host: 'localhost',
    'Content-Type': 'text/xml; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST /cwmp HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

export function inform(serialNumber = '000001'): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:cwmp="urn:dslforum-org:cwmp-1-0">
<soap:Header><cwmp:ID soap:mustUnderstand="1">1</cwmp:ID></soap:Header>
<soap:Body><cwmp:Inform><DeviceId><Manufacturer>Acme</Manufacturer><OUI>00A0BC</OUI><ProductClass>FAP</ProductClass>
<SerialNumber>${serialNumber}</SerialNumber></DeviceId>
<Event><EventStruct><EventCode>2 PERIODIC</EventCode><CommandKey></CommandKey></EventStruct></Event>
<MaxEnvelopes>1</MaxEnvelopes><CurrentTime>0001-01-01T00:00:00Z</CurrentTime><RetryCount>0</RetryCount>
<ParameterList></ParameterList></cwmp:Inform></soap:Body></soap:Envelope>`;
}
