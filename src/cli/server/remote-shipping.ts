import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { DeviceFilter } from '../../fleet/listing.ts';
import type { By } from '../../fleet/register.ts';
import type { ShippingFormat } from '../../fleet/shipping-file.ts';
import type { ImportCounts } from '../../fleet/shipping-import.ts';
import { progressLine } from '../progress.ts';
import type { Api } from './api.ts';
import { jobDone, moveByJob, type WireJob } from './remote-many.ts';

export interface RemoteImport {
  readonly format: ShippingFormat;
  readonly columns: Readonly<Record<string, string>>;
  readonly set: Readonly<Record<string, string>>;
  readonly ignoreUnknown: boolean;
  readonly dryRun: boolean;
  readonly correct: boolean;
  readonly reason?: string | undefined;
  /** Where rows go that were not taken. */
  readonly rejected: string;
}

const types: Readonly<Record<ShippingFormat, string>> = { csv: 'text/csv', ndjson: 'application/x-ndjson' };

/** Uploads a shipping file and follows the job that takes it in. */
export async function remoteImport(api: Api, file: string, options: RemoteImport): Promise<ImportCounts> {
  const { format, columns, set, ignoreUnknown, dryRun, correct, reason, rejected } = options;
  const size = await stat(file);
  const said = await api.ask<WireJob>('POST', '/api/v1/bulk/device-imports', {
    query: { columns: jsonOf(columns), set: jsonOf(set), ignoreUnknown, dryRun, correct, reason },
    upload: { type: types[format], bytes: createReadStream(file) },
  });
  if (!said.ok) throw new Error('a problem that nobody asked for was let through');
  const progress = progressLine(size.size, 'bytes');
  const job = await jobDone(api, said.body, ({ done }) => progress.at(done)).finally(() => progress.end());
  if (job.output !== null) await save(api, job, rejected);
  const none: ImportCounts = { created: 0, changed: 0, unchanged: 0, rejected: 0 };
  return { ...none, ...(job.result as Partial<ImportCounts>) };
}

function jsonOf(texts: Readonly<Record<string, string>>): string | undefined {
  return Object.keys(texts).length === 0 ? undefined : JSON.stringify(texts);
}

async function save(api: Api, { output }: WireJob, file: string, flags: 'w' | 'wx' = 'w'): Promise<void> {
  if (output === null) return;
  await pipeline(await api.download(output), createWriteStream(file, { mode: 0o600, flags }));
}

export async function remoteExport(
  api: Api,
  filter: DeviceFilter,
  format: ShippingFormat,
  out: NodeJS.WritableStream,
): Promise<void> {
  const answer = await api.download('/api/v1/bulk/device-export', { ...filter, format });
  await pipeline(answer, out, { end: out !== process.stdout });
}

/** The records are on this machine's disk when it ends; until then the server keeps them as the output of the job. */
export async function remoteHandOver(
  api: Api,
  filter: DeviceFilter,
  by: By,
  { format, output }: { readonly format: ShippingFormat; readonly output: string },
): Promise<number> {
  const job = await moveByJob(api, { move: 'handover', filter, format }, by, () => undefined);
  if (job === undefined) return 0;
  await save(api, job, output, 'wx');
  return Number(job.result.moved ?? 0);
}
