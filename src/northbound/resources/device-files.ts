import { z } from 'zod';
import { type ShippingFormat, shippingHead, shippingText } from '../../fleet/shipping-file.ts';
import { shippingColumns } from '../../fleet/shipping-record.ts';
import type { Shipping } from '../../fleet/shipping.ts';
import type { DeviceFilter } from '../../fleet/listing.ts';
import { type AnyOperation, operation, refuse } from '../operation.ts';
import { line, reasonBody } from '../values.ts';
import type { ApiDeps } from './deps.ts';
import { deviceFilters, keptToGroup } from './device-filters.ts';
import { accepted, idempotencyHeaders, jobAnswers, keyOf, keyTaken, startJob } from './jobs.ts';

const tag = 'jobs';

/** Octets of an uploaded shipping file: some millions of rows. */
const longestFile = 1024 * 1024 * 1024;

const mediaTypes: Readonly<Record<ShippingFormat, string>> = { csv: 'text/csv', ndjson: 'application/x-ndjson' };

/** Shipping files in and out, in constant memory whatever their size. */
export function deviceFiles(deps: ApiDeps): readonly AnyOperation[] {
  return [importDevices(deps), exportDevices(deps)];
}

const flag = z
  .enum(['true', 'false'])
  .optional()
  .transform((text) => text === 'true');

const isColumn = (name: string): boolean => (shippingColumns as readonly string[]).includes(name);

/** A text for each of some columns of ours: `serial_number:SN,identity:EUI`, or JSON where a text holds a comma. */
const ofColumns = z
  .string()
  .max(4000)
  .transform((text, context) => {
    const pairs = text.startsWith('{') ? membersOf(text) : text.split(',').map(pairOf);
    if (pairs?.every(([ours = '', theirs]) => isColumn(ours) && theirs !== undefined && theirs !== ''))
      return Object.fromEntries(pairs) as Record<string, string>;
    context.addIssue({
      code: 'custom',
      message: `write OURS:TEXT,… or JSON {"OURS":"TEXT"}; ours are ${shippingColumns.join(', ')}`,
    });
    return z.NEVER;
  })
  .optional();

type Pair = readonly [ours?: string, theirs?: string];

function pairOf(text: string): Pair {
  return (/^([a-z_]+):(.{1,200})$/.exec(text)?.slice(1) ?? []) as unknown as Pair;
}

function membersOf(text: string): readonly Pair[] | undefined {
  try {
    const read = Object.entries(JSON.parse(text) as object);
    return read.every(([, value]) => typeof value === 'string' && !value.includes('\0') && value.isWellFormed())
      ? read
      : undefined;
  } catch {
    return undefined;
  }
}

function importDevices(deps: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'importDevices', method: 'POST', path: '/api/v1/bulk/device-imports', tag, idempotency: 'own' },
    summary: 'Enrols the devices of a shipping file; what is there already as the file says stays untouched',
    description: `CSV with a line of headers, or NDJSON: ${shippingColumns.join(', ')}. Rows that are not taken are the output of the job, with the reason of each.`,
    permission: 'devices:write',
    // What it makes belongs to no group, or to any.
    reach: 'installation',
    headers: idempotencyHeaders,
    query: z.strictObject({
      anchor: line(63).optional().describe('For rows that name none.'),
      columns: ofColumns.describe(
        'Our column is the file’s column of that name: `serial_number:SN,identity:EUI`, or JSON `{"identity":"EUI, long"}`.',
      ),
      set: ofColumns.describe(
        'For rows that leave a column empty: `site:Ulm 7,tags:pilot`, or JSON `{"site":"Ulm, 7"}`.',
      ),
      ignoreUnknown: flag.describe('Pass over columns that are none of ours.'),
      dryRun: flag.describe('Judge everything; change nothing.'),
      correct: flag.describe('Serials that an earlier file gave were wrong: take those of this one. Needs a reason.'),
      reason: reasonBody.optional(),
    }),
    uploads: Object.values(mediaTypes),
    answers: jobAnswers,
    problems: [422],
    handle: async ({ query, headers, caller, by, upload }) => {
      const key = keyOf(caller, headers['idempotency-key']);
      const known = key === undefined ? undefined : await deps.jobs.known(key);
      if (known !== undefined) return known.kind === 'device-import' ? accepted(known) : keyTaken(known);
      if (query.correct && query.reason === undefined)
        return refuse(422, { in: 'query', field: 'reason', detail: 'a correction needs a reason: what was wrong' });
      if (upload === undefined) return refuse(415, {});
      const file = await deps.jobs.receive(upload.bytes, longestFile);
      if (file === 'too_large') return refuse(413, { detail: `at most ${longestFile} octets` });
      const { anchor, columns, set, ignoreUnknown, dryRun, correct, reason } = query;
      const format = upload.type === mediaTypes.csv ? 'csv' : 'ndjson';
      const defaults = { defaults: { ...(anchor !== undefined && { anchor }), ...set } };
      const input = { format, columns, ignoreUnknown, dryRun, correct, bytes: file.bytes, ...defaults };
      const job = { kind: 'device-import', input, actor: by.actor, total: file.bytes, reason, idempotencyKey: key };
      return startJob(deps, job, file.id);
    },
  });
}

function exportDevices({ register }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'exportDevices', method: 'GET', path: '/api/v1/bulk/device-export', tag },
    summary: 'The register in the columns of a shipping file, one line an identity; retired devices by `state` alone',
    permission: 'devices:read',
    reach: 'fleet',
    query: z.strictObject({ ...deviceFilters, format: z.enum(['csv', 'ndjson']).default('csv') }),
    answers: { 200: { description: 'The file, as it is read.', media: Object.values(mediaTypes) } },
    handle: async ({ query: { format, ...wanted }, caller }) => {
      const headers = { 'Content-Disposition': `attachment; filename="devices.${format}"` };
      const stream = lines(register.shipping, keptToGroup(wanted, caller), format);
      return { status: 200, type: `${mediaTypes[format]}; charset=utf-8`, headers, stream };
    },
  });
}

async function* lines(shipping: Shipping, filter: DeviceFilter, format: ShippingFormat): AsyncGenerator<string> {
  const head = shippingHead(format);
  if (head !== '') yield head;
  for await (const records of shipping.export(filter)) yield shippingText(records, format);
}
