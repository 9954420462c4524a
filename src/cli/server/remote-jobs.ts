import type { CancelResult } from '../../platform/jobs.ts';
import type { JobAccess, ManyTasks, ShownJob } from '../job-access.ts';
import { exitCodes, failure } from '../failure.ts';
import type { Api } from './api.ts';
import type { Page } from './paging.ts';

const jobs = '/api/v1/jobs';
const bulk = '/api/v1/bulk/tasks';

type Wire = Omit<ShownJob, 'output'> & { readonly output: string | null };

const shown = (job: Wire): ShownJob => ({ ...job, output: job.output !== null });

/** Long work of the server, by its API. */
export function remoteJobAccess(api: Api): JobAccess {
  return {
    list: async (limit) => (await api.get<Page<Wire>>(jobs, { limit })).items.map(shown),
    get: async (id) => {
      const said = await api.ask<Wire>('GET', `${jobs}/${id}`, { problems: [404] });
      return said.ok ? shown(said.body) : undefined;
    },
    cancel: async (id): Promise<CancelResult> => {
      const said = await api.ask<Wire>('POST', `${jobs}/${id}/cancel`, { body: {}, problems: [404, 409] });
      if (!said.ok) return said.problem.status === 404 ? 'missing' : 'ended';
      return said.status === 202 ? 'asked' : 'cancelled';
    },
    output: (id) => streamed(api, `${jobs}/${id}/output`),
    ...manyTasks(api),
  };
}

async function* streamed(api: Api, path: string): AsyncGenerator<Uint8Array> {
  for await (const piece of await api.download(path)) yield piece as Uint8Array;
}

function manyTasks(api: Api): Pick<JobAccess, 'countForTasks' | 'queueTasks'> {
  const bodyOf = ({ filter, request, options: { idempotencyKey: _, ...when } }: ManyTasks) => ({
    ...{ filter, request },
    ...when,
  });
  return {
    countForTasks: async (wanted) => {
      const said = await api.ask<{ devices: number }>('POST', bulk, { body: bodyOf(wanted), problems: [422] });
      if (said.ok) return said.body.devices;
      throw failure(exitCodes.no, said.problem.detail);
    },
    queueTasks: async (wanted, confirm, { reason }) => {
      const { idempotencyKey } = wanted.options;
      const said = await api.ask<Wire>('POST', bulk, {
        body: { ...bodyOf(wanted), confirm, reason },
        ...(idempotencyKey !== undefined && { headers: { 'Idempotency-Key': idempotencyKey } }),
        problems: [409, 422],
      });
      if (said.ok) return shown(said.body);
      const { code, detail } = said.problem;
      throw failure(
        exitCodes.no,
        detail,
        code === 'count_differs' ? 'others came or went meanwhile: look again' : undefined,
      );
    },
  };
}
