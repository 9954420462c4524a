/** For every operation that changes something: what it is asked, and what has to be there before. */
import { createHash } from 'node:crypto';
import { mintCrl } from '../../src/simulator/crl-minting.ts';
import type { OwnAuthority } from '../integration/production.ts';
import { by, type ManagementStage } from './management-stage.ts';

export interface Wanted {
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly upload?: { readonly type: string; readonly text: string };
}

type Prepare = (at: Situation) => Promise<Wanted>;

export interface Situation {
  readonly stage: ManagementStage;
  readonly authority: OwnAuthority;
}

const reason = 'as asked';
const soon = (): string => new Date(Date.now() + 3_600_000).toISOString();
const realm = 'hnb.acme.example';
let made = 16;

const identityOf = (number: number): string => `00a0bc${number.toString(16).padStart(6, '0')}.${realm}`;

function next(): number {
  made += 1;
  return made;
}

const freshIdentity = (): string => identityOf(next());
const freshFingerprint = (): string => createHash('sha256').update(String(next())).digest('hex');

async function device({ stage }: Situation): Promise<string> {
  const identity = { anchor: 'acme', kind: 'hnb-fqdn', value: freshIdentity(), oui: '00A0BC' } as const;
  const added = await stage.register.add({ identity }, by);
  if (!added.ok) throw new Error(added.problem.message);
  return added.deviceId;
}

/** What an operation answers that comes before. */
async function after<T>({ stage }: Situation, path: string, body?: unknown): Promise<T> {
  const key = stage.of.administrator;
  const answer = await stage.ask(path, { method: 'POST', key, ...(body !== undefined && { body }) });
  if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
  return answer.body as T;
}

const ofDevice =
  (
    word: string,
    body: Wanted['body'] = { reason },
    before?: (id: string, at: Situation) => Promise<unknown>,
  ): Prepare =>
  async (at) => {
    const id = await device(at);
    await before?.(id, at);
    return { path: `/api/v1/devices/${id}/${word}`, body };
  };

const insert =
  (text: string) =>
  (id: string, { stage }: Situation): Promise<unknown> =>
    stage.db.query({ text, values: [id] });

const quarantine = insert(`update devices set state = 'quarantined' where id = $1`);
const heldKey =
  insert(`insert into device_certificates (device_id, fingerprint, anchor, kind, value, spki, chain_id, state,
  subject, issuer, serial_number, not_before, not_after, first_seen, last_seen)
  select $1, sha256('c'), 'acme', 'hnb-fqdn', 'x', sha256('k'), sha256('h'), 'held', '', '', '1', now(), now(), now(), now()`);
const document = { anchors: [{ name: 'acme', sources: [{ kind: 'uploaded-crl' }], onUnknown: 'admit' }] };
const policies = '/api/v1/revocation/policies';
const fileAt = `/api/v1/files?fileType=1%20Firmware%20Upgrade%20Image&name=`;

async function file({ stage }: Situation, name: string): Promise<string> {
  const answer = await fetch(`${stage.url}${fileAt}${name}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${stage.of.administrator}`, 'Content-Type': 'application/octet-stream' },
    body: name,
  });
  return ((await answer.json()) as { id: string }).id;
}

const devices: Readonly<Record<string, Prepare>> = {
  addDevice: async () => ({ path: '/api/v1/devices', body: { anchor: 'acme', identity: freshIdentity(), reason } }),
  linkIdentity: async (at) => {
    const path = `/api/v1/devices/${await device(at)}/identities`;
    return { path, body: { anchor: 'acme', identity: freshIdentity(), reason } };
  },
  addCertificate: (at) => ofDevice('certificates', { fingerprint: freshFingerprint(), reason })(at),
  rebindDevice: (at) => ofDevice('rebind', { fingerprint: freshFingerprint(), reason })(at),
  replaceDevice: async (at) => ofDevice('replace', { successor: await device(at), reason })(at),
  blockDevice: ofDevice('block'),
  unblockDevice: ofDevice('unblock', { reason }, (id, at) => after(at, `/api/v1/devices/${id}/block`, { reason })),
  retireDevice: ofDevice('retire'),
  handoverDevice: ofDevice('handover'),
  approveDevice: ofDevice('approve', { reason }, async (id, at) => {
    await quarantine(id, at);
    await heldKey(id, at);
  }),
  rejectDevice: ofDevice('reject', { reason }, quarantine),
  releaseDevice: (at) =>
    ofDevice(
      'release',
      { until: soon(), reason },
      insert(`insert into quarantined_certificates values ($1, sha256('x'), now(), now(), 'unreachable', 'd', '1')`),
    )(at),
  settleConflict: async (at) => {
    const [claimant, holder] = [await device(at), await device(at)];
    await at.stage.db.query({
      text: `insert into serial_conflicts (device_id, oui, product_class, serial_number, holder_id, kind, first_at, last_at, claims)
             values ($1, '00A0BC', 'FAP', '1', $2, 'claimed', now(), now(), 1)`,
      values: [claimant, holder],
    });
    return { path: `/api/v1/conflicts/${claimant}/settle`, body: { inFavourOf: 'holder', reason } };
  },
  correctSerial: (at) => ofDevice('correct-serial', { oui: '00A0BC', serialNumber: `S${next()}`, reason })(at),
  startTrace: (at) => ofDevice('trace', { until: soon(), reason })(at),
  createConnectionRequest: ofDevice(
    'connection-requests',
    { reason },
    insert(`insert into device_parameters (device_id, name, value, type, since)
            values ($1, 'Device.ManagementServer.ConnectionRequestURL', 'https://192.0.2.7:7547/x', 'string', now())`),
  ),
  createTask: ofDevice('tasks', { request: { kind: 'reboot' }, reason }),
  cancelTask: async (at) => {
    const path = `/api/v1/devices/${await device(at)}/tasks`;
    const { id } = await after<{ id: string }>(at, path, { request: { kind: 'reboot' } });
    return { path: `${path}/${id}/cancel`, body: { reason } };
  },
  createTransfer: ofDevice('transfers', { wish: { direction: 'upload', fileType: '2 Vendor Log File' }, reason }),
};

const many: Readonly<Record<string, Prepare>> = {
  moveDevices: async () => ({
    path: '/api/v1/bulk/device-moves',
    body: { move: 'block', filter: { tag: 'north' }, confirm: 1, reason },
  }),
  createTasks: async () => ({
    path: '/api/v1/bulk/tasks',
    body: { filter: { tag: 'south' }, request: { kind: 'reboot' }, confirm: 1, reason },
  }),
  importDevices: async () => ({
    path: '/api/v1/bulk/device-imports?anchor=acme',
    upload: { type: 'text/csv', text: `identity\n${freshIdentity()}\n` },
  }),
  cancelJob: async ({ stage }) => {
    const id = '01890a5d-ac96-774b-bcce-b302099a8057';
    await stage.db.query({
      text: `insert into jobs (id, kind, state, actor_kind, actor, input, created_at) values ($1, 'x', 'queued', 'key', 'x', '{}', now())`,
      values: [id],
    });
    return { path: `/api/v1/jobs/${id}/cancel`, body: {} };
  },
  verifyAudit: async () => ({ path: '/api/v1/audit/verify', body: {} }),
  createCheckpoint: async () => ({ path: '/api/v1/audit/checkpoints' }),
  addFile: async () => ({ path: `${fileAt}a.bin`, upload: { type: 'application/octet-stream', text: 'an image' } }),
  linkFile: async (at) => ({
    path: `/api/v1/files/${await file(at, 'linked.bin')}/links`,
    body: { productClass: 'FAP', expiresAt: soon(), reason },
  }),
};

const trust: Readonly<Record<string, Prepare>> = {
  applyRevocationPolicy: async () => ({
    ...{ path: policies, body: { document, offline: true, reason } },
    headers: { 'If-Match': '"0"' },
  }),
  restoreRevocationPolicy: async () => ({ path: `${policies}/1/restore`, body: { reason } }),
  overrideRevocationPolicy: async () => ({
    path: '/api/v1/revocation/policy/override',
    body: { until: soon(), reason },
  }),
  importCrl: async ({ authority: { issuer } }) => {
    const [thisUpdate, nextUpdate] = [new Date(Date.now() - 60_000), new Date(Date.now() + 3_600_000)];
    const der = await mintCrl({ issuer, entries: [], number: 1, thisUpdate, nextUpdate });
    return { path: '/api/v1/crls', body: { crl: der.toString('base64'), reason } };
  },
  revokeCertificates: async () => ({
    path: '/api/v1/revocation/certificates',
    body: { certificates: [{ fingerprint: 'cd'.repeat(32), reason: 'keyCompromise' }], reason },
  }),
  reinstateCertificate: async () => ({
    path: '/api/v1/revocation/certificates/reinstate',
    body: { fingerprint: 'cd'.repeat(32), reason },
  }),
  createApiKey: async () => ({ path: '/api/v1/api-keys', body: { name: 'ticketing', role: 'viewer', reason } }),
  revokeApiKey: async (at) => {
    const { id } = await after<{ id: string }>(at, '/api/v1/api-keys', { name: 'short', role: 'viewer' });
    return { path: `/api/v1/api-keys/${id}/revoke`, body: { reason } };
  },
};

export const changingRequests: Readonly<Record<string, Prepare>> = { ...devices, ...many, ...trust };
