/** Policies, CRLs and open connections, for tests of revocation on a whole server. */
import assert from 'node:assert/strict';
import type { TLSSocket } from 'node:tls';
import { systemClock } from '../../src/platform/clock.ts';
import { mintCrl, type RevokedCertificate } from '../../src/simulator/crl-minting.ts';
import { findAuthority } from '../../src/simulator/development-authorities.ts';
import type { Femtocell } from '../../src/simulator/femtocell.ts';
import { loadAnchors } from '../../src/trust/anchors.ts';
import { readCrl } from '../../src/trust/revocation/crl-reader.ts';
import { applyWeighed, type DeskDeps, importCrl } from '../../src/trust/revocation/desk.ts';
import { policySchema } from '../../src/trust/revocation-policy.ts';
import { checkPolicy } from '../../src/trust/revocation-policy-checks.ts';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { readPem } from '../../src/x509/pem.ts';
import { openTlsSocket, wire } from './clients.ts';
import { until } from './evidence.ts';
import type { Stage } from './stage.ts';

export const by = { actor: { kind: 'cli', name: 'maria@noc' }, reason: 'test' } as const;

const hour = 3_600_000;

/** The desk of a person who works beside the server. */
export async function deskOf(stage: Stage): Promise<DeskDeps> {
  const { readFile } = await import('node:fs/promises');
  const loaded = await loadAnchors(
    stage.pki.anchors.map((anchor) => ({
      ...anchor,
      identity: ['san-dns-hnb'],
      sharesRealmsWith: [],
      autoRegistration: { ouis: [], perHour: 1 },
      afterEnrolment: 'accept',
      sharedSecret: 'refuse',
      connectionRequest: 'certificate',
      acceptExpiredAnchor: false,
      profile: 'hems',
      rules: {},
    })),
    { readFile: (path) => readFile(path, 'utf8'), at: new Date(), production: false },
  );
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
  const complain = (error: unknown): never => {
    throw error;
  };
  return { db: stage.db, clock: systemClock, anchors: loaded.anchors.map(({ path }) => path), readCrl, complain };
}

/** Makes a policy the next version and waits until the server has it. */
export async function applyPolicy(stage: Stage, anchors: readonly object[]): Promise<number> {
  const content = { confirmCutOff: '100%', anchors };
  const document = policySchema.parse(content);
  assert.deepEqual(checkPolicy(document), []);
  const result = await applyWeighed(await deskOf(stage), { document, content }, by);
  assert.ok(result.ok);
  await knownToServer(stage);
  return result.version;
}

/** Waits until the server has read the last change. */
export async function knownToServer(stage: Stage): Promise<void> {
  const { rows } = await stage.db.query<{ seq: number }>({
    text: 'select coalesce(max(seq), 0) as seq from revocation_changes',
  });
  const wanted = rows[0]?.seq ?? 0;
  const known = (): boolean =>
    wanted === 0 ||
    stage.events.some(
      (event) => event.kind === 'revocation' && event.what === 'facts_changed' && Number(event.subject) >= wanted,
    );
  await until(
    () => Promise.resolve(known()),
    (yes) => yes,
    `the server knows change ${wanted}`,
  );
}

let numbers = Math.floor(Date.now() / 1000);

/** A CRL of one CA of the development PKI, newer than all before. */
export function crlOf(
  stage: Stage,
  authority: string,
  entries: readonly RevokedCertificate[],
  life: { readonly from?: number; readonly to?: number } = {},
): Promise<Buffer> {
  const { issuer } = findAuthority(stage.pki.authorities, authority);
  numbers += 1;
  const now = Date.now();
  const thisUpdate = new Date(now + (life.from ?? -1) * hour);
  const nextUpdate = new Date(now + (life.to ?? 24) * hour);
  return mintCrl({ issuer, entries, number: numbers, thisUpdate, nextUpdate });
}

/** Imports CRLs as a person would, confirming what they cut off, and waits until the server has them. */
export async function importCrls(stage: Stage, ...ders: readonly Buffer[]): Promise<void> {
  const desk = await deskOf(stage);
  const certificates = stage.pki.authorities.map(({ certificate }) => parseCertificate(certificate));
  for (const der of ders) {
    const first = await importCrl(desk, { der, certificates }, by);
    const result =
      !first.ok && first.kind === 'unconfirmed' ? await importCrl(desk, { der, certificates }, by, first.count) : first;
    assert.ok(result.ok, JSON.stringify(result));
  }
  await knownToServer(stage);
}

export function serialOf({ options }: Femtocell): string {
  const [der] = readPem(options.credentials?.chain ?? '', 'CERTIFICATE');
  assert.ok(der !== undefined);
  return parseCertificate(der).serialNumber;
}

export function revoked(cell: Femtocell, reason: RevokedCertificate['reason'] = 'keyCompromise'): RevokedCertificate {
  return { serialNumber: serialOf(cell), revokedAt: new Date(Date.now() - hour), reason };
}

/** An open connection of an admitted cell, and when the server closes it. */
export async function holdOpen(
  stage: Stage,
  cell: Femtocell,
): Promise<{ readonly socket: TLSSocket; readonly port: number; readonly closed: Promise<void> }> {
  const socket = await openTlsSocket(wire(stage, cell));
  const port = socket.localPort ?? 0;
  socket.resume();
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const admitted = () =>
    Promise.resolve(
      stage.events.some(
        (event) => event.kind === 'admission' && event.outcome === 'admitted' && event.remotePort === port,
      ),
    );
  await until(admitted, (yes) => yes, 'the connection is admitted');
  return { socket, port, closed };
}
