import type { Logger } from 'pino';
import type { Clock } from '../../platform/clock.ts';
import { startJobRunner, type JobRunner, type JobWork } from '../../platform/job-runner.ts';
import { type CancelResult, createJobs, type Jobs } from '../../platform/jobs.ts';
import type { Database, Queryable } from '../../platform/postgres.ts';
import type { By } from '../register.ts';
import { createShipping } from '../shipping.ts';
import type { ImportAnchor } from '../shipping-record.ts';
import { strangersText } from '../strangers-text.ts';
import { insertSubjectChange } from '../subject-changes-queries.ts';
import { withoutSecrets } from '../task-hiding.ts';
import { importJob } from './import-job.ts';
import type { JobKind, TasksInput } from './job-input.ts';
import { movesJob } from './moves-job.ts';
import { tasksJob } from './tasks-job.ts';

export interface FleetJobsDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly anchors: readonly ImportAnchor[];
}

/** Jobs as doors see them; who cancels one is in the audit. */
export interface FleetJobs extends Omit<Jobs, 'cancel'> {
  cancel(id: string, by: By, group?: string): Promise<CancelResult>;
}

export function createFleetJobs({ db, clock }: Pick<FleetJobsDeps, 'db' | 'clock'>): FleetJobs {
  const jobs = createJobs({ db, clock, redact });
  return {
    ...jobs,
    cancel: (id, by, group) => {
      const change = { at: clock.now(), action: 'job_cancelled', subject: id, ...by };
      const record = async (tx: Queryable): Promise<void> => {
        await tx.query(insertSubjectChange('access_changes', change));
      };
      return jobs.cancel(id, strangersText(by.actor.name, 512), { group, record });
    },
  };
}

/** Does the jobs of the register on this node, and those of other rooms. */
export function startFleetJobs(
  deps: FleetJobsDeps & {
    readonly every?: number;
    readonly leaseMs?: number;
    /** Of other rooms. */
    readonly further?: Readonly<Record<string, JobWork>>;
  },
): JobRunner {
  const own: Readonly<Record<JobKind, JobWork>> = {
    'device-moves': movesJob(deps),
    'device-tasks': tasksJob(deps),
    'device-import': importJob({ shipping: createShipping(deps), anchors: deps.anchors }),
  };
  const { read } = createFleetJobs(deps);
  return startJobRunner({ ...deps, kinds: { ...deps.further, ...own }, redact, read });
}

/** What a task holds in secret has served its purpose once every device has its own. */
function redact(kind: string, input: unknown): unknown {
  if (kind !== 'device-tasks') return input;
  const { request, ...rest } = input as TasksInput;
  return { ...rest, request: withoutSecrets(request) };
}
