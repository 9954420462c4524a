import type { CrlImportResult, Unconfirmed } from '../../trust/revocation/desk.ts';
import type { Impact } from '../../trust/revocation/impact.ts';
import type { ListEntry } from '../../trust/revocation/operator-list.ts';
import type { Applied, Faulty, PolicyVersion, RevocationDesk } from '../../trust/revocation/revocation-desk.ts';
import { exitCodes, failure } from '../failure.ts';
import type { Api, ApiProblem, Said } from './api.ts';
import type { Page } from './paging.ts';

type WirePolicy = Omit<PolicyVersion, 'content'> & { readonly document: unknown };

const revocation = '/api/v1/revocation';
const policies = `${revocation}/policies`;
/** Of the newest that the API lists. */
const most = 1000;

/** The server's desk of revocation, by its API. */
export function remoteDesk(api: Api): RevocationDesk {
  return { ...remotePolicies(api), ...remoteCrls(api), ...remoteList(api) };
}

function versionOf({ document, ...rest }: WirePolicy): PolicyVersion {
  return { ...rest, content: document };
}

/** As it is beside the database, unless there are more than came one by one. */
function impactOf(wire: unknown): Impact {
  const { refusedCount, causes, ...impact } = wire as Impact & { refusedCount: number; causes: unknown };
  return refusedCount > impact.refused.length ? (wire as Impact) : impact;
}

function unconfirmedOf({ confirm = 0, impact }: ApiProblem): Unconfirmed {
  return { ok: false, kind: 'unconfirmed', count: confirm, impact: impactOf(impact) };
}

function appliedOf(said: Said<{ version: number; unchecked?: readonly string[]; impact: Impact }>): Applied | Faulty {
  if (said.ok) return { ok: true, ...said.body, impact: impactOf(said.body.impact) };
  const { problem } = said;
  if (problem.code === 'unconfirmed') return unconfirmedOf(problem);
  if (problem.code === 'faulty_policy') return { ok: false, kind: 'faulty', faults: problem.faults ?? [] };
  throw failure(exitCodes.no, problem.detail);
}

type PolicyDesk = Pick<RevocationDesk, 'policyNow' | 'versions' | 'weigh' | 'apply' | 'rollBack' | 'override'>;

function remotePolicies(api: Api): PolicyDesk {
  const ifMatch = (expected: number | undefined) =>
    expected === undefined ? {} : { headers: { 'If-Match': `"${expected}"` } };
  return {
    policyNow: async () => {
      type Now = {
        policy: WirePolicy | null;
        override: Awaited<ReturnType<PolicyDesk['policyNow']>>['override'] | null;
      };
      const { policy, override } = await api.get<Now>(`${revocation}/policy`);
      return { policy: policy === null ? undefined : versionOf(policy), override: override ?? undefined };
    },
    versions: async (limit) => (await api.get<Page<WirePolicy>>(policies, { limit })).items.map(versionOf),
    weigh: async ({ content, offline }) => {
      const body = { document: content, offline };
      const said = await api.ask<{ unchecked: readonly string[]; impact: Impact }>('POST', `${policies}/check`, {
        ...{ body, problems: [422] },
      });
      if (said.ok) return { ok: true, ...said.body, impact: impactOf(said.body.impact) };
      return { ok: false, kind: 'faulty', faults: said.problem.faults ?? [] };
    },
    apply: async ({ content, offline }, { reason }, { confirmed, expected } = {}) => {
      const body = { document: content, offline, confirm: confirmed, reason };
      return appliedOf(await api.ask('POST', policies, { body, problems: [409, 412, 422], ...ifMatch(expected) }));
    },
    rollBack: async (version, { reason }, { confirmed, expected } = {}) => {
      const said = await api.ask<never>('POST', `${policies}/${version}/restore`, {
        ...{ body: { confirm: confirmed, reason }, problems: [404, 409, 412], ...ifMatch(expected) },
      });
      if (!said.ok && said.problem.status === 404) return undefined;
      const result = appliedOf(said);
      if ('kind' in result && result.kind === 'faulty') throw new Error('an older version was good once');
      return result;
    },
    override: async (until, { reason }) => {
      const body = { until: until ?? null, reason };
      const said = await api.ask<{ until: Date }>('POST', `${revocation}/policy/override`, { body });
      return said.ok ? said.body.until : new Date(Number.NaN);
    },
  };
}

function remoteCrls(api: Api): Pick<RevocationDesk, 'crls' | 'crl' | 'importCrl'> {
  const crls = async () =>
    (await api.get<Page<Awaited<ReturnType<RevocationDesk['crls']>>[number]>>('/api/v1/crls')).items;
  return {
    crls,
    crl: async (beginning, entries) => {
      const held = (await crls()).map(({ fingerprint }) => fingerprint);
      const [fingerprint, ...more] = new Set(held.filter((one) => one.startsWith(beginning)));
      if (fingerprint === undefined || more.length > 0)
        return { ok: false, several: fingerprint === undefined ? 0 : 1 + more.length };
      return { ok: true, crl: await api.get(`/api/v1/crls/${fingerprint}`, { entries: Math.min(entries, 100_000) }) };
    },
    importCrl: async ({ der, certificates }, { reason }, confirm) => {
      const pem = certificates.map((one) => pemOf(one.der)).join('');
      const body = {
        ...{ crl: Buffer.from(der).toString('base64'), confirm, reason },
        ...(pem !== '' && { certificates: pem }),
      };
      const said = await api.ask<Extract<CrlImportResult, { ok: true }>>('POST', '/api/v1/crls', {
        ...{ body, problems: [409, 422] },
      });
      if (said.ok) return { ...said.body, ok: true, impact: impactOf(said.body.impact) };
      const { code, detail: cause } = said.problem;
      if (code === 'unconfirmed') return unconfirmedOf(said.problem);
      if (code === 'unverified' || code === 'rollback') return { ok: false, kind: code, cause };
      throw failure(exitCodes.usage, cause, 'give a CRL in DER or PEM (X509 CRL)');
    },
  };
}

function pemOf(der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .replace(/(.{64})/g, '$1\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

type ListDesk = Omit<RevocationDesk, keyof PolicyDesk | 'crls' | 'crl' | 'importCrl'>;

/** As the API names a certificate. */
function named({ kind, key }: Pick<ListEntry, 'kind' | 'key'>) {
  const [issuer, serialNumber] = key.split('\n');
  return kind === 'issuer-serial' ? { issuer, serialNumber } : { [kind]: key };
}

function remoteList(api: Api): ListDesk {
  const list = `${revocation}/certificates`;
  return {
    listed: async (limit) => {
      type Entry = Awaited<ReturnType<ListDesk['listed']>>[number];
      return (await api.get<Page<Entry>>(list, { limit: Math.min(limit, most) })).items;
    },
    importList: async (entries, subject, { reason }, confirm) => {
      const certificates = entries.map(({ kind, key, ...rest }) => ({ ...named({ kind, key }), ...rest }));
      const said = await api.ask<{ added: number; known: number; impact: Impact }>('POST', list, {
        ...{ body: { certificates, name: subject, confirm, reason }, problems: [409] },
      });
      if (said.ok) return { ok: true, ...said.body, impact: impactOf(said.body.impact) };
      if (said.problem.code === 'unconfirmed') return unconfirmedOf(said.problem);
      return { ok: false, cause: said.problem.detail };
    },
    reinstate: async (entry, { reason }) => {
      const body = { ...named(entry), reason };
      return (await api.ask('POST', `${list}/reinstate`, { body, problems: [404] })).ok;
    },
    changes: async (limit) => {
      type Change = Awaited<ReturnType<ListDesk['changes']>>[number];
      return (await api.get<Page<Change>>(`${revocation}/changes`, { limit: Math.min(limit, most) })).items;
    },
    quarantined: async (limit) => {
      const page = await api.get<Page<WireQuarantined>>(`${revocation}/quarantine`, { limit: Math.min(limit, most) });
      return page.items.map((row) => ({
        ...{ device_id: row.deviceId, fingerprint: row.fingerprint, first_at: row.firstAt, last_at: row.lastAt },
        ...{ cause: row.cause, detail: row.detail },
        ...{ policy_version: row.policyVersion, released_until: row.releasedUntil },
      }));
    },
    release: async (deviceId, until, { reason }) => {
      const said = await api.ask<{ certificates: number }>('POST', `/api/v1/devices/${deviceId}/release`, {
        ...{ body: { until, reason }, problems: [404] },
      });
      return said.ok ? said.body.certificates : 0;
    },
  };
}

interface WireQuarantined {
  readonly deviceId: string;
  readonly fingerprint: string;
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly cause: string;
  readonly detail: string;
  readonly policyVersion: string;
  readonly releasedUntil: Date | null;
}
