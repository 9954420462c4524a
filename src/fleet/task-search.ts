import { findPage } from '../platform/bounded-search.ts';
import type { Queryable } from '../platform/postgres.ts';
import type { Task } from './task.ts';
import { taskSearch } from './task-search-queries.ts';

export interface TaskSearch {
  readonly state?: Task['state'] | undefined;
  readonly kind?: string | undefined;
  /** Who wanted it, as the task has it. */
  readonly origin?: string | undefined;
  /** Only of devices with this tag. */
  readonly group?: string | undefined;
  /** Older than the task with this id. */
  readonly before?: string | undefined;
}

/** Tasks of all devices, newest first; `next` is the `before` of the page behind. */
export async function findTasks(
  db: Queryable,
  search: TaskSearch,
  limit: number,
): Promise<{ readonly tasks: readonly Task[]; readonly next: string | undefined }> {
  const page = await findPage<TaskSearch, Task, Pick<Task, 'id'>>(db, taskSearch, search, limit);
  return { tasks: page.rows, next: page.next?.id };
}
