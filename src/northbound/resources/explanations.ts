import { z } from 'zod';
import { suspicionKinds } from '../../fleet/suspicions.ts';
import type { LogEntry } from '../../trust/decision-log.ts';
import type { ExplainedDecision } from '../../trust/explain.ts';
import { type AnyOperation, operation, refuse } from '../operation.ts';
import { pageSchema } from '../paging.ts';
import { deviceParams, instantQuery, time, uuid } from '../values.ts';
import { decisionShape } from './decision-shape.ts';
import type { ApiDeps } from './deps.ts';

const tag = 'decisions';

const rowShape = { ...decisionShape, recordedAt: time };

const explainedSchema = z.strictObject({
  ...rowShape,
  verdict: z.looseObject({}).nullable().describe('The revocation verdict with all that was heard, as it was kept.'),
  suspicions: z
    .array(z.strictObject({ at: time, kind: z.enum(suspicionKinds), evidence: z.looseObject({}) }))
    .describe(
      'Of a refusal: what was suspected of the device in the hour before, with what it claimed and what is known.',
    ),
});

const summarySchema = z.strictObject({
  id: z.string(),
  minute: time,
  recordedAt: time,
  source: z.string().nullable(),
  peer: z.string(),
  reason: z.string(),
  suppressed: z.int(),
  sources: z.int(),
});

export function explanations(deps: ApiDeps): readonly AnyOperation[] {
  return [explainDevice(deps), explainDecision(deps), listDecisionLog(deps)];
}

function rowView(row: Omit<ExplainedDecision, 'verdict' | 'suspicions'>) {
  const { id, at, recorded_at: recordedAt, outcome, stage, reason, detail, peer, device_id: deviceId } = row;
  const { connection_id: connectionId, listener, remote_address: remoteAddress, remote_port: remotePort } = row;
  const { tls_version: tlsVersion, cipher_suite: cipherSuite, resumed, anchor, identity, fingerprint } = row;
  const { subject, issuer, serial_number: serialNumber } = row;
  const what = { id, at, recordedAt, outcome, stage, reason, detail, peer, deviceId };
  const where = { connectionId, listener, remoteAddress, remotePort, tlsVersion, cipherSuite, resumed };
  return { ...what, ...where, anchor, identity, fingerprint, subject, issuer, serialNumber };
}

const explained = (decision: ExplainedDecision) => {
  const { verdict, suspicions } = decision;
  return { ...rowView(decision), verdict, suspicions: [...suspicions] };
};

function explainDevice({ decisions }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'explainDevice', method: 'GET', path: '/api/v1/devices/{deviceId}/decisions', tag, params: deviceParams },
    summary: 'Why a device was let in or refused, with the stored evidence; newest first',
    permission: 'decisions:read',
    reach: 'device',
    query: z.strictObject({ limit: z.coerce.number().int().min(1).max(1000).default(1).describe('How many.') }),
    answers: { 200: { description: 'The newest.', schema: pageSchema(explainedSchema) } },
    problems: [404],
    handle: async ({ params: { deviceId }, query: { limit } }) => {
      return { status: 200, body: { items: (await decisions.ofDevice(deviceId, limit)).map(explained) } };
    },
  });
}

function explainDecision({ decisions, inGroup }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'explainDecision', method: 'GET', path: '/api/v1/decisions/{decisionId}', tag },
    summary: 'One decision by its id, which is also that of its event, with the stored evidence',
    permission: 'decisions:read',
    reach: 'fleet',
    params: z.strictObject({ decisionId: uuid }),
    answers: { 200: { description: 'The decision.', schema: explainedSchema } },
    problems: [404],
    handle: async ({ params: { decisionId }, caller }) => {
      const found = await decisions.one(decisionId);
      const device = found?.device_id ?? undefined;
      const shown = caller.group === null || (device !== undefined && (await inGroup(device, caller.group)));
      if (found === undefined || !shown) return refuse(404, { detail: 'there is no such decision' });
      return { status: 200, body: explained(found) };
    },
  });
}

function entryView(entry: LogEntry) {
  if (entry.kind === 'decision') return { kind: entry.kind, decision: rowView(entry.decision) };
  const { recorded_at: recordedAt, ...summary } = entry.summary;
  return { kind: entry.kind, summary: { ...summary, recordedAt } };
}

function listDecisionLog({ decisions }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listDecisionLog', method: 'GET', path: '/api/v1/decision-log', tag },
    summary: 'The admission log after a moment, in the order it was recorded; minutes of floods are counted',
    description:
      'To follow it, ask again from five seconds before the last look and pass over what was seen: a decision may be ' +
      'recorded a little after one that was made later.',
    permission: 'decisions:read',
    reach: 'installation',
    query: z.strictObject({
      since: instantQuery.describe('Recorded after this.'),
      limit: z.coerce.number().int().min(0).max(1000).default(100).describe('The newest, at most.'),
    }),
    answers: {
      200: {
        description: 'The newest.',
        schema: pageSchema(
          z.discriminatedUnion('kind', [
            z.strictObject({ kind: z.literal('decision'), decision: z.strictObject(rowShape) }),
            z.strictObject({ kind: z.literal('summary'), summary: summarySchema }),
          ]),
        ),
      },
    },
    handle: async ({ query: { since, limit } }) => {
      return { status: 200, body: { items: (await decisions.since(since, limit)).map(entryView) } };
    },
  });
}
