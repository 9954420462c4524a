import type { ConflictPage } from '../../fleet/conflicts.ts';
import type { ConnectionRequest } from '../../fleet/connection-request.ts';
import type { DeviceFilter, DeviceSummary } from '../../fleet/listing.ts';
import type { DeviceFacts } from '../../fleet/listing-details.ts';
import type { Described } from '../../fleet/register-describing-queries.ts';
import type { By, CertificateInput, Problem, Register, StateResult } from '../../fleet/register.ts';
import type { ExplainedDecision } from '../../trust/explain.ts';
import type { AuditRecord } from '../../trust/audit-listing.ts';
import type { Api, ApiProblem, Asked } from './api.ts';
import { remoteMany } from './remote-many.ts';
import { cursorOf, type Page, positionOf } from './paging.ts';
import { decisionOf, type WireDecision } from './wire-decision.ts';

/** What the commands do with the register. */
export type RegisterAccess = Pick<
  Register,
  | 'add'
  | 'list'
  | 'find'
  | 'show'
  | 'block'
  | 'correctSerial'
  | 'unblock'
  | 'approve'
  | 'reject'
  | 'retire'
  | 'replace'
  | 'rebind'
  | 'removeIdentity'
  | 'addCertificate'
  | 'removeCertificate'
  | 'conflicts'
  | 'settleConflict'
  | 'countForMove'
  | 'moveMany'
> & {
  /** Tags, site, note. Nobody else's change is overwritten. */
  describe(input: { readonly deviceId: string; readonly change: Edit }, by: By): Promise<Redescribed>;
};

type Edit = (now: Described) => Partial<Described>;
type Redescribed =
  | { readonly ok: true; readonly device: Described; readonly changed: boolean }
  | { readonly ok: false; readonly problem: { readonly message: string } };

type WireIdentities = readonly { readonly anchor: string; readonly value: string }[];
type WireDevice = Omit<DeviceSummary, 'deviceId' | 'identities'> & {
  readonly id: string;
  readonly identities: WireIdentities;
};
type WireDetails = WireDevice &
  Pick<DeviceFacts, 'certificates'> & { readonly lastInform: DeviceFacts['lastInform'] | null };

const path = '/api/v1/devices';
/** Of each kind, on the page of one device. */
const mostShown = 20;

/** The server's register, by its API. Who asks is whom the server takes them for; `by` brings the reason alone. */
export function remoteRegister(api: Api): RegisterAccess {
  const move = async (way: string, by: By, body: object = {}): Promise<StateResult> =>
    stateOf(await api.ask('POST', `${path}/${way}`, { body: { ...body, reason: reasonOf(by) }, ...refusals }));
  const moves = (name: string) => (deviceId: string, by: By) => move(`${deviceId}/${name}`, by);
  const removal = async (what: string, by: By): Promise<StateResult> =>
    stateOf(await api.ask('DELETE', `${path}/${what}`, { query: { reason: reasonOf(by) }, ...refusals }));
  return {
    ...lookingUp(api),
    ...adding(api),
    ...describing(api),
    ...remoteMany(api),
    correctSerial: (deviceId, serial, by) => move(`${deviceId}/correct-serial`, by, serial),
    block: moves('block'),
    unblock: moves('unblock'),
    reject: moves('reject'),
    retire: moves('retire'),
    approve: (deviceId, by, fingerprint) => move(`${deviceId}/approve`, by, { fingerprint }),
    replace: (oldId, newId, by) => move(`${oldId}/replace`, by, { successor: newId }),
    rebind: ({ deviceId, ...input }, by) => move(`${deviceId}/rebind`, by, certificateOf(input)),
    addCertificate: ({ deviceId, ...input }, by) => move(`${deviceId}/certificates`, by, certificateOf(input)),
    removeCertificate: (deviceId, fingerprint, by) => removal(`${deviceId}/certificates/${fingerprint}`, by),
    removeIdentity: (deviceId, { anchor, value }, by) =>
      removal(`${deviceId}/identities/${anchor}/${encodeURIComponent(value)}`, by),
    conflicts: async ({ after, limit }) => {
      const cursor = after && cursorOf(after.claimant, after.oui, after.productClass, after.serialNumber);
      const page = await api.get<Page<ConflictPage['conflicts'][number]>>('/api/v1/conflicts', { limit, cursor });
      const [claimant = '', oui = '', productClass = '', serialNumber = ''] = positionOf(page.next) ?? [];
      const next = page.next === undefined ? undefined : { claimant, oui, productClass, serialNumber };
      return { conflicts: page.items, next };
    },
    settleConflict: async ({ claimant, ...input }, by) =>
      stateOf(
        await api.ask('POST', `/api/v1/conflicts/${claimant}/settle`, {
          body: { ...input, reason: reasonOf(by) },
          ...refusals,
        }),
      ),
  };
}

/** The API wants a reason where the command line may do without. */
function reasonOf({ reason }: By): string {
  return reason ?? 'none given at the command line';
}

const refusals: Pick<Asked, 'problems'> = { problems: [404, 409, 422] };

type Moved = {
  readonly id: string;
  readonly state: Extract<StateResult, { ok: true }>['state'];
  readonly changed: boolean;
};

function stateOf(said: Awaited<ReturnType<Api['ask']>>): StateResult {
  if (!said.ok) return { ok: false, problem: problemOf(said.problem) };
  const { id: deviceId, state, changed } = said.body as Moved;
  return { ok: true, deviceId, state, changed };
}

function problemOf({ code, detail, field }: ApiProblem): Problem {
  const message = field === undefined ? detail : `${field} ${detail}`;
  return { kind: code as Problem['kind'], message };
}

function certificateOf({ fingerprint, identity }: Omit<CertificateInput, 'deviceId'>) {
  return { fingerprint, ...(identity !== undefined && { anchor: identity.anchor, identity: identity.value }) };
}

function describing(api: Api): Pick<RegisterAccess, 'describe'> {
  return {
    describe: async ({ deviceId, change }, { reason }) => {
      const at = `${path}/${deviceId}`;
      const seen = await api.ask<Described>('GET', at, { problems: [404] });
      if (!seen.ok) return { ok: false, problem: problemOf(seen.problem) };
      const said = await api.ask<Described>('PATCH', at, {
        ...refusals,
        body: { ...change(seen.body), reason },
        headers: { 'If-Match': seen.etag ?? '' },
      });
      if (!said.ok) return { ok: false, problem: problemOf(said.problem) };
      return { ok: true, device: said.body, changed: said.etag !== seen.etag };
    },
  };
}

function adding(api: Api): Pick<RegisterAccess, 'add'> {
  return {
    add: async ({ identity, deviceId, serial, note }, { reason }) => {
      const named = { anchor: identity.anchor, identity: identity.value, reason };
      const said =
        deviceId === undefined
          ? await api.ask<{ id: string }>('POST', path, { body: { ...named, serial, note }, ...refusals })
          : await api.ask<{ id: string }>('POST', `${path}/${deviceId}/identities`, { body: named, ...refusals });
      if (!said.ok) return { ok: false, problem: problemOf(said.problem) };
      const fresh = said.status === 201;
      return { ok: true, deviceId: said.body.id, created: fresh && deviceId === undefined, changed: fresh };
    },
  };
}

function summaryOf({ id, identities, ...rest }: WireDevice): DeviceSummary {
  return { deviceId: id, ...rest, identities: identities.map(({ anchor, value }) => `${anchor} ${value}`) };
}

function lookingUp(api: Api): Pick<RegisterAccess, 'list' | 'find' | 'show'> {
  return {
    find: async (text) => (await api.get<Page<string>>('/api/v1/device-lookup', { text })).items,
    list: async (filter: DeviceFilter, { after, limit, order }) => {
      const sort = `${order?.descending === true ? '-' : ''}${order?.sort ?? 'registered'}`;
      const cursor = after === undefined ? undefined : cursorOf(after, sort);
      const page = await api.get<Page<WireDevice>>(path, { ...filter, limit, sort, cursor });
      return { devices: page.items.map(summaryOf), next: positionOf(page.next)?.[0] };
    },
    show: async (deviceId) => {
      const said = await api.ask<WireDetails>('GET', `${path}/${deviceId}`, { problems: [404] });
      if (!said.ok) return undefined;
      const { lastInform, certificates, ...device } = said.body;
      const at = `${path}/${deviceId}`;
      const [identities, decisions, requests, changes] = await Promise.all([
        api.get<Page<DeviceFacts['identityRecords'][number]>>(`${at}/identities`),
        api.get<Page<WireDecision>>(`${at}/decisions`, { limit: mostShown }),
        api.get<Page<ConnectionRequest>>(`${at}/connection-requests`),
        changesOf(api, deviceId),
      ]);
      return {
        ...summaryOf(device),
        identityRecords: identities.items,
        certificates,
        lastInform: lastInform ?? undefined,
        decisions: decisions.items.map((one) => decisionOfDevice(decisionOf(one))),
        changes,
        connectionRequests: requests.items.slice(0, mostShown),
      };
    },
  };
}

function decisionOfDevice(row: ExplainedDecision) {
  const { id, at, outcome, stage, reason, detail, listener, resumed, anchor, identity, fingerprint } = row;
  const { remote_address: remoteAddress, remote_port: remotePort } = row;
  const { tls_version: tlsVersion, cipher_suite: cipherSuite } = row;
  const where = { listener, remoteAddress, remotePort, tlsVersion, cipherSuite, resumed };
  return { id, at, outcome, stage, reason, detail, ...where, anchor, identity, fingerprint };
}

/** Whoever may not read the audit sees the device without it. */
async function changesOf(api: Api, deviceId: string) {
  type Change = Pick<AuditRecord, 'id' | 'at' | 'before' | 'after'> & {
    readonly actorKind: string;
    readonly actor: string;
    readonly action: string;
    readonly reason: string | null;
  };
  const said = await api.ask<Page<Change & { deviceId?: string }>>('GET', '/api/v1/audit', {
    query: { deviceId, limit: mostShown },
    problems: [403],
  });
  return said.ok ? said.body.items.map(({ deviceId: _, ...change }) => change) : [];
}
