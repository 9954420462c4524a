/** Two manufacturers and an operator with CAs made on the spot, cells of theirs, and a gate over a real database. */
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { AnchorConfig } from '../../src/config/schema.ts';
import { createAdmissionRecords } from '../../src/fleet/admission-records.ts';
import { createInformRecorder } from '../../src/fleet/informs.ts';
import { createRegister } from '../../src/fleet/register.ts';
import type { SuspicionDeps, Suspicions } from '../../src/fleet/suspicions.ts';
import { manualClock } from '../../src/platform/clock.ts';
import { createEgress } from '../../src/platform/egress/egress.ts';
import { type AdmissionEvent, createEventBus } from '../../src/platform/events.ts';
import type { Database } from '../../src/platform/postgres.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  type Extension,
  extendedKeyUsage,
  type Issuer,
  keyUsage,
  mintCertificate,
  type NameParts,
  pem,
  subjectAltName,
  subjectKeyIdentifier,
} from '../../src/simulator/certificate-minting.ts';
import { type KeyKind, type KeyPair, newKeyPair } from '../../src/simulator/key-pairs.ts';
import type { Admission, HandshakeFacts } from '../../src/trust/admission.ts';
import { loadAnchors, type TrustAnchor } from '../../src/trust/anchors.ts';
import { createGate, type GateDeps } from '../../src/trust/gate.ts';
import type { Refusal } from '../../src/trust/refusal.ts';
import { assembleRevocation } from '../../src/trust/revocation/assembly.ts';
import { readCrl } from '../../src/trust/revocation/crl-reader.ts';

export const now = new Date('2026-05-04T10:00:00Z');
const day = 86_400_000;

export const anchorNames = ['acme', 'zenith', 'operator'] as const;
export type AnchorName = (typeof anchorNames)[number];

interface Authority {
  readonly root: Buffer;
  /** The intermediate that issues; undefined where the root does. */
  readonly issuing: Buffer | undefined;
  readonly issuer: Issuer;
}

export interface Pki {
  readonly authorities: Readonly<Record<AnchorName, Authority>>;
}

async function authority(name: string, above?: Issuer): Promise<{ der: Buffer; issuer: Issuer }> {
  const keys = await newKeyPair('ec');
  const subject: NameParts = [
    ['O', name.split(' ')[0] ?? name],
    ['CN', name],
  ];
  const issuer: Issuer = { name: subject, ...keys };
  const der = await mintCertificate({
    subject,
    publicKey: keys.publicKey,
    issuer: above ?? issuer,
    notBefore: new Date(now.getTime() - 1000 * day),
    notAfter: new Date(now.getTime() + 9000 * day),
    extensions: [
      basicConstraints(true, above === undefined ? undefined : 0),
      keyUsage('keyCertSign', 'cRLSign'),
      subjectKeyIdentifier(keys.publicKey),
      authorityKeyIdentifier((above ?? issuer).publicKey),
    ],
  });
  return { der, issuer };
}

export async function newPki(): Promise<Pki> {
  const made = await Promise.all(
    anchorNames.map(async (name): Promise<readonly [AnchorName, Authority]> => {
      const root = await authority(`${name} Root`);
      if (name === 'operator') return [name, { root: root.der, issuing: undefined, issuer: root.issuer }];
      const issuing = await authority(`${name} Issuing`, root.issuer);
      return [name, { root: root.der, issuing: issuing.der, issuer: issuing.issuer }];
    }),
  );
  return { authorities: Object.fromEntries(made) as Record<AnchorName, Authority> };
}

export interface CellOrder {
  readonly anchor?: AnchorName;
  readonly dnsNames?: readonly string[];
  readonly commonNames?: readonly string[];
  readonly key?: KeyKind | KeyPair;
  readonly notAfter?: Date;
  readonly extensions?: readonly Extension[];
}

export interface Cell {
  /** DER, leaf first, then the intermediate. */
  readonly chain: readonly Buffer[];
  readonly pair: KeyPair;
}

export async function newCell(pki: Pki, order: CellOrder): Promise<Cell> {
  const { issuer, issuing } = pki.authorities[order.anchor ?? 'acme'];
  const pair = typeof order.key === 'object' ? order.key : await newKeyPair(order.key ?? 'ec');
  const leaf = await mintCertificate({
    subject: (order.commonNames ?? ['cell']).map((name) => ['CN', name] as const),
    publicKey: pair.publicKey,
    issuer,
    notBefore: new Date(now.getTime() - 100 * day),
    notAfter: order.notAfter ?? new Date(now.getTime() + 900 * day),
    extensions: [
      basicConstraints(false),
      keyUsage('digitalSignature'),
      extendedKeyUsage('clientAuth'),
      ...(order.dnsNames === undefined ? [] : [subjectAltName(...order.dnsNames)]),
      subjectKeyIdentifier(pair.publicKey),
      authorityKeyIdentifier(issuer.publicKey),
      ...(order.extensions ?? []),
    ],
  });
  return { chain: issuing === undefined ? [leaf] : [leaf, issuing], pair };
}

export function anchorConfig(name: AnchorName, overrides: Partial<AnchorConfig> = {}): AnchorConfig {
  return {
    name,
    certificates: [`${name}.pem`],
    kind: name === 'operator' ? 'operator' : 'manufacturer',
    identity: ['san-dns-hnb', 'cn-hnb-fqdn', 'cn-oui-serial'],
    realms: [`hnb.${name}.example`],
    sharesRealmsWith: [],
    registration: 'known-only',
    autoRegistration: { ouis: [], perHour: 100 },
    afterEnrolment: 'accept',
    sharedSecret: 'refuse',
    connectionRequest: 'certificate',
    acceptExpiredAnchor: false,
    profile: 'hems',
    rules: {},
    ...overrides,
  };
}

export async function trustAnchors(
  pki: Pki,
  overrides: Partial<Record<AnchorName, Partial<AnchorConfig>>> = {},
): Promise<readonly TrustAnchor[]> {
  const configs = anchorNames.map((name) => anchorConfig(name, overrides[name]));
  const loaded = await loadAnchors(configs, {
    readFile: (path) => {
      const { root } = pki.authorities[path.replace('.pem', '') as AnchorName];
      return Promise.resolve(pem('CERTIFICATE', root));
    },
    at: now,
    production: true,
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
  return loaded.anchors;
}

let connections = 0;

export function handshake(chain: readonly Uint8Array[], overrides: Partial<HandshakeFacts> = {}): HandshakeFacts {
  connections += 1;
  return {
    connectionId: `c${connections}`,
    listener: 'inside',
    role: 'serving',
    anchors: anchorNames,
    remoteAddress: '192.0.2.7',
    remotePort: 40_000 + (connections % 20_000),
    startedAt: now,
    tlsVersion: 'TLSv1.3',
    cipherSuite: 'TLS_AES_128_GCM_SHA256',
    resumed: false,
    chain,
    ...overrides,
  };
}

export const auditDefaults: GateDeps['audit'] = {
  ipv4Block: 32,
  strangerRowsPerMinute: 10,
  strangerRowsPerMinuteTotal: 300,
  knownRowsPerMinute: 60,
  checkpointEvery: 3_600_000,
};

export interface WorldOptions {
  readonly anchors?: Partial<Record<AnchorName, Partial<AnchorConfig>>>;
  readonly secondLock?: GateDeps['secondLock'];
  readonly audit?: Partial<GateDeps['audit']>;
  readonly suspicions?: (deps: SuspicionDeps) => Suspicions;
}

/** One node: a gate, an Inform recorder and the register, over the database given. */
export async function newNode(db: Database, pki: Pki, options: WorldOptions = {}) {
  const clock = manualClock(now);
  const metrics = new Registry();
  const events = createEventBus();
  const seen: AdmissionEvent[] = [];
  events.subscribe((event) => {
    if (event.kind === 'admission') seen.push(event);
  });
  const logged: unknown[] = [];
  const logger = pino({ level: 'error' }, { write: (line: string) => logged.push(JSON.parse(line)) });
  const suspicions = options.suspicions?.({ db, clock, events, logger, metrics });
  const watched = suspicions === undefined ? {} : { suspect: suspicions.suspect };
  const informs = createInformRecorder({ db, clock, events, ...watched });
  const anchors = await trustAnchors(pki, options.anchors);
  const egress = createEgress({ clock, metrics });
  const assembly = assembleRevocation({ anchors, db, clock, events, logger, metrics, egress, readCrl });
  // As a server does before it opens its doors; where the database does not answer the gate will find out.
  await assembly.load().catch(() => undefined);
  const gate = createGate({
    anchors,
    revocation: assembly.revocation,
    quarantine: assembly.quarantine,
    secondLock: options.secondLock ?? 'enforce',
    audit: { ...auditDefaults, ...options.audit },
    db,
    records: createAdmissionRecords({ db, clock, ...watched }),
    informs,
    ...watched,
    events,
    clock,
    logger,
    metrics,
  });
  const register = createRegister({ db, clock });
  return { gate, informs, register, clock, metrics, events: seen, bus: events, logged, assembly };
}

export type Node = Awaited<ReturnType<typeof newNode>>;

export function admitted(outcome: Admission | Refusal): Admission {
  if (outcome.outcome === 'refused') throw new Error(`refused: ${outcome.reason} ${outcome.detail}`);
  return outcome;
}

/** `reason/detail/peer`, or `admitted`. */
export function verdict(outcome: Admission | Refusal): string {
  return outcome.outcome === 'admitted' ? 'admitted' : `${outcome.reason}/${outcome.detail}/${outcome.peer}`;
}

export const by = { actor: { kind: 'cli', name: 'maria@noc' }, reason: 'test' } as const;

/** An EUI nobody else has in this run. */
let euis = 0;
export function newEui(oui = '00a0bc'): string {
  euis += 1;
  return `${oui}${euis.toString(16).padStart(6, '0')}`;
}

/** Of a device that nobody else has in this run. */
export function newIdentity() {
  return { anchor: 'acme', kind: 'hnb-fqdn', value: `${newEui()}.hnb.acme.example`, oui: '00A0BC' } as const;
}
