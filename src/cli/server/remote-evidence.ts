import type { ApiKey, ApiKeys } from '../../trust/access/api-keys.ts';
import type { AuditDesk, CheckpointMade } from '../../trust/audit-desk.ts';
import type { AuditRecord } from '../../trust/audit-listing.ts';
import { exportedLine } from '../../trust/checkpoint.ts';
import type { LogEntry, SummaryRow } from '../../trust/decision-log.ts';
import type { DecisionReading } from '../../trust/decision-reading.ts';
import { jobDone, type WireJob } from './remote-many.ts';
import type { Verification } from '../../trust/evidence-verify.ts';
import { exitCodes, failure } from '../failure.ts';
import type { Api } from './api.ts';
import { cursorOf, type Page, positionOf } from './paging.ts';
import { decisionOf, type WireDecision } from './wire-decision.ts';

export type KeysAccess = Pick<ApiKeys, 'create' | 'list' | 'revoke'>;

const keys = '/api/v1/api-keys';

export function remoteKeys(api: Api): KeysAccess {
  const list: KeysAccess['list'] = async ({ after, limit }) => {
    const page = await api.get<Page<ApiKey>>(keys, {
      limit,
      cursor: after === undefined ? undefined : cursorOf(after),
    });
    return { keys: page.items, next: positionOf(page.next)?.[0] };
  };
  return {
    list,
    create: async (input, { reason }) => {
      const said = await api.ask<ApiKey & { secret: string }>('POST', keys, {
        ...{ body: { ...input, reason }, problems: [409, 422] },
      });
      if (!said.ok) return { ok: false, cause: said.problem.detail };
      const { secret, ...key } = said.body;
      return { ok: true, key, secret };
    },
    revoke: async (text, { reason }) => {
      const id = /^[0-9a-f]{16}$/.test(text) ? text : await idOf(list, text);
      const missing = { ok: false, cause: `there is no key ${text}` } as const;
      if (id === undefined) return missing;
      const said = await api.ask<ApiKey & { changed: boolean }>('POST', `${keys}/${id}/revoke`, {
        ...{ body: { reason }, problems: [404] },
      });
      if (!said.ok) return missing;
      const { changed, ...key } = said.body;
      return { ok: true, key, changed };
    },
  };
}

/** Of the key in force with this name. */
async function idOf(list: KeysAccess['list'], name: string): Promise<string | undefined> {
  for (let after: string | undefined; ; ) {
    const page = await list({ after, limit: 1000 });
    const found = page.keys.find((key) => key.name === name && key.revokedAt === null);
    if (found !== undefined || page.next === undefined) return found?.id;
    after = page.next;
  }
}

export function remoteDecisions(api: Api): DecisionReading {
  return {
    ofDevice: async (deviceId, limit) => {
      const page = await api.get<Page<WireDecision>>(`/api/v1/devices/${deviceId}/decisions`, { limit });
      return page.items.map(decisionOf);
    },
    one: async (id) => {
      const said = await api.ask<WireDecision>('GET', `/api/v1/decisions/${id}`, { problems: [404] });
      return said.ok ? decisionOf(said.body) : undefined;
    },
    since: async (since, limit) => {
      const page = await api.get<Page<WireEntry>>('/api/v1/decision-log', { since, limit: Math.min(limit, 1000) });
      return page.items.map(entryOf);
    },
  };
}

type WireEntry =
  | { readonly kind: 'decision'; readonly decision: WireDecision }
  | {
      readonly kind: 'summary';
      readonly summary: Omit<SummaryRow, 'recorded_at'> & { readonly recordedAt: Date };
    };

function entryOf(entry: WireEntry): LogEntry {
  if (entry.kind === 'summary') {
    const { recordedAt, ...summary } = entry.summary;
    return { kind: 'summary', summary: { ...summary, recorded_at: recordedAt } };
  }
  const { verdict: _, suspicions: __, ...decision } = decisionOf(entry.decision);
  return { kind: 'decision', decision };
}

const audit = '/api/v1/audit';

export function remoteAudit(api: Api): AuditDesk {
  return {
    list: async ({ after, device, ...filter }, limit) => {
      const cursor = after && cursorOf(after.at.toISOString(), after.id);
      const page = await api.get<Page<AuditRecord>>(`${audit}/records`, { ...filter, device, limit, cursor });
      const [at, id] = positionOf(page.next) ?? [];
      return { records: page.items, next: at === undefined || id === undefined ? undefined : { at: new Date(at), id } };
    },
    // The server counts them, and says so in the job.
    rows: async () => 0,
    verify: async ({ exported, publicKey, onProgress }) => {
      const body = {
        ...(exported !== undefined && { checkpoints: exported.map(exportedLine) }),
        ...(publicKey !== undefined && { publicKey: publicKey.toString('base64') }),
      };
      const said = await api.ask<WireJob>('POST', `${audit}/verify`, { body });
      if (!said.ok) throw failure(exitCodes.unavailable, said.problem.detail, 'verify beside the database');
      const { result } = await jobDone(api, said.body, ({ done }) => void onProgress?.(done));
      return result as unknown as Verification;
    },
    checkpoint: async () => {
      const said = await api.ask<Omit<Extract<CheckpointMade, { ok: true }>, 'ok'>>('POST', `${audit}/checkpoints`, {
        problems: [409],
      });
      return said.ok ? { ok: true, ...said.body } : { ok: false, cause: said.problem.detail };
    },
    key: async () => {
      const said = await api.ask<{ publicKey: string }>('GET', `${audit}/key`, { problems: [409] });
      if (!said.ok) return { ok: false, cause: said.problem.detail };
      return { ok: true, publicKey: Buffer.from(said.body.publicKey, 'base64') };
    },
  };
}
