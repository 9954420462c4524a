import type { NewJob } from './jobs.ts';
import type { Query } from './postgres.ts';

const columns = `id, kind, state, device_group as "group", jsonb_build_object('kind', actor_kind, 'name', actor) as actor,
  reason, input, total, done, position, result, fault, created_at as "createdAt", started_at as "startedAt",
  finished_at as "finishedAt", cancel_wanted as "cancelWanted", attempts`;

/** Answers no row where the idempotency key is taken. */
export function insertJob(id: string, job: NewJob, at: Date): Query {
  return {
    text: `insert into jobs (id, kind, state, device_group, actor_kind, actor, reason, idempotency_key, input, total, created_at)
           values ($1, $2, 'queued', $3, $4, $5, $6, $7, $8, $9, $10)
           on conflict (idempotency_key) where idempotency_key is not null do nothing
           returning ${columns}`,
    values: [
      id,
      job.kind,
      job.group ?? null,
      job.actor.kind,
      job.actor.name.slice(0, 512),
      job.reason ?? null,
      job.idempotencyKey ?? null,
      JSON.stringify(job.input),
      job.total ?? null,
      at,
    ],
  };
}

export function jobByKey(idempotencyKey: string): Query {
  return { text: `select ${columns} from jobs where idempotency_key = $1`, values: [idempotencyKey] };
}

/** Of a group: only what somebody of this group asked for. */
const ofGroup = `($2::text is null or device_group = $2)`;

export function jobById(id: string, group: string | undefined): Query {
  return { text: `select ${columns} from jobs where id = $1 and ${ofGroup}`, values: [id, group ?? null] };
}

export function listJobs(group: string | undefined, before: string | undefined, limit: number): Query {
  return {
    text: `select ${columns} from jobs where ($1::uuid is null or id < $1) and ${ofGroup} order by id desc limit $3`,
    values: [before ?? null, group ?? null, limit],
  };
}

/** The next that nobody does: queued, or begun by a holder that has not been heard of. */
export function takeJob(kinds: readonly string[], lease: string, leaseMs: number, at: Date): Query {
  return {
    name: 'platform_take_job',
    text: `update jobs set state = 'running', lease = $2, lease_until = clock_timestamp() + $3 * interval '1 ms',
                  started_at = coalesce(started_at, $4), attempts = attempts + 1
            where id = (select id from jobs
                         where state in ('queued', 'running') and kind = any($1)
                           and (state = 'queued' or lease_until < clock_timestamp())
                         order by id limit 1 for update skip locked)
           returning ${columns}`,
    values: [kinds, lease, leaseMs, at],
  };
}

export interface Advance {
  readonly done: number;
  readonly total?: number | undefined;
  readonly position?: unknown;
  readonly result?: unknown;
}

/** No row: the lease is another's. */
export function advanceJob(id: string, lease: string, leaseMs: number, step: Advance | undefined): Query {
  return {
    name: 'platform_advance_job',
    text: `update jobs set lease_until = clock_timestamp() + $3 * interval '1 ms', done = coalesce($4, done),
                  total = coalesce($5, total), position = coalesce($6, position), result = coalesce($7, result),
                  attempts = case when $4::bigint > done then 0 else attempts end
            where id = $1 and lease = $2 and state = 'running' returning cancel_wanted as "cancelWanted"`,
    values: [
      id,
      lease,
      leaseMs,
      step?.done ?? null,
      step?.total ?? null,
      step?.position === undefined ? null : JSON.stringify(step.position),
      step?.result === undefined ? null : JSON.stringify(step.result),
    ],
  };
}

export interface JobEnd {
  readonly state: 'done' | 'failed' | 'cancelled';
  readonly input: unknown;
  readonly result?: unknown;
  readonly fault?: string | undefined;
}

/** `lease` null: it was never begun. */
export function endJob(id: string, lease: string | null, end: JobEnd, at: Date): Query {
  return {
    text: `with ended as (
             update jobs set state = $3, finished_at = $4, input = $5, result = coalesce($6, result),
                    fault = case when $3 = 'cancelled' then coalesce($7, fault) else $7 end,
                    lease = null, lease_until = null
              where id = $1 and lease is not distinct from $2 and state in ('queued', 'running') returning id
           ), cleared as (
             delete from job_files f using ended e where f.job_id = e.id and f.name = 'input'
           )
           select id from ended`,
    values: [
      id,
      lease,
      end.state,
      at,
      JSON.stringify(end.input),
      end.result === undefined ? null : JSON.stringify(end.result),
      end.fault?.slice(0, 2000) ?? null,
    ],
  };
}

/** Given back by a node that stops: another one goes on at once. */
export function releaseJob(id: string, lease: string): Query {
  return {
    text: `update jobs set state = 'queued', lease = null, lease_until = null, attempts = greatest(attempts - 1, 0)
            where id = $1 and lease = $2 and state = 'running'`,
    values: [id, lease],
  };
}

/** Who wanted it stands in the job; the first counts. */
export function wantCancel(id: string, fault: string): Query {
  return {
    text: `update jobs set cancel_wanted = true, fault = coalesce(fault, $2)
            where id = $1 and state in ('queued', 'running')`,
    values: [id, fault.slice(0, 2000)],
  };
}

/** Old jobs with their files, and files of uploads that were broken off. */
export function forgetJobs(before: Date, brokenOff: Date): Query {
  return {
    text: `with gone as (delete from jobs where finished_at < $1 returning id), files as (
             delete from job_files f using gone g where f.job_id = g.id
           )
           delete from job_files f where f.stored_at < $2 and not exists (select from jobs j where j.id = f.job_id)`,
    values: [before, brokenOff],
  };
}

export function insertPart(jobId: string, name: 'input' | 'output', part: number, bytes: Uint8Array, at: Date): Query {
  return {
    name: 'platform_insert_job_part',
    text: `insert into job_files (job_id, name, part, bytes, stored_at) values ($1, $2, $3, $4, $5)`,
    values: [jobId, name, part, bytes, at],
  };
}

/** Behind the last part there is. */
export function appendPart(jobId: string, bytes: Uint8Array, at: Date): Query {
  return {
    name: 'platform_append_job_part',
    text: `insert into job_files (job_id, name, part, bytes, stored_at)
           select $1, 'output', coalesce(max(part), -1) + 1, $2, $3 from job_files where job_id = $1 and name = 'output'`,
    values: [jobId, bytes, at],
  };
}

export function readPart(jobId: string, name: 'input' | 'output', part: number): Query {
  return {
    name: 'platform_read_job_part',
    text: `select bytes from job_files where job_id = $1 and name = $2 and part = $3`,
    values: [jobId, name, part],
  };
}
