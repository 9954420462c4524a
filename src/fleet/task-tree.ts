import type { AcsRequest, CpeResponse } from '../cwmp/acs-methods.ts';
import type { Task, TaskChange, TaskProgress } from './task.ts';
import { treeBatch } from './task-steps.ts';

/*
 * Reading a whole subtree in bounded steps: its names, all at once or, where that is too much for the device or for
 * us, level by level; then the values, some hundred at a time, in the order of the names that are kept.
 */

/** Objects that may wait to be listed; a device with more is not read as a whole. */
const mostPaths = 20_000;

export function treeAnswered(task: Task, request: AcsRequest, response: CpeResponse): TaskChange {
  if (response.method === 'GetParameterValuesResponse' && request.method === 'GetParameterValues')
    return step(task, {
      after: request.parameterNames.at(-1),
      batch: Math.min(treeBatch, (task.progress.batch ?? treeBatch) * 2),
      read: (task.progress.read ?? 0) + response.parameterList.length,
    });
  if (response.method === 'GetParameterNamesResponse' && request.method === 'GetParameterNames')
    return listed(task, request, response);
  return {
    state: 'failed',
    fault: { cause: 'unreadable', message: `${response.method} answers nothing that was asked` },
  };
}

function step(task: Task, progress: TaskProgress): TaskChange {
  return { state: 'queued', progress: { ...task.progress, ...progress } };
}

function listed(
  task: Task,
  request: Extract<AcsRequest, { method: 'GetParameterNames' }>,
  response: Extract<CpeResponse, { method: 'GetParameterNamesResponse' }>,
): TaskChange {
  const rest = (task.progress.paths ?? []).slice(1);
  const below = request.nextLevel
    ? response.parameterList
        .map(({ name }) => name)
        // Some devices list the object itself among its children.
        .filter((name) => name.endsWith('.') && name !== request.parameterPath)
    : [];
  const paths = [...below, ...rest];
  if (paths.length > mostPaths)
    return { state: 'failed', fault: { cause: 'too-large', message: `more than ${mostPaths} objects to be listed` } };
  if (paths.length > 0) return step(task, { phase: 'names', paths, oneLevel: false });
  return step(task, { phase: 'values', paths: [], oneLevel: false });
}

/** A smaller step, where the device (or our reader) cannot bear this one; undefined: there is none. */
export function treeTooMuch(task: Task, request: AcsRequest, faultCode: number): TaskChange | undefined {
  const { progress } = task;
  if (faultCode !== 9004 && faultCode !== 9005) return undefined;
  if (progress.phase !== 'values')
    return faultCode === 9004 && progress.oneLevel !== true ? step(task, { oneLevel: true }) : undefined;
  const batch = progress.batch ?? treeBatch;
  // 9005: a name of these has gone since it was listed; one by one, the others can still be read.
  if (batch > 1) return step(task, { batch: Math.max(1, Math.floor(batch / 4)) });
  if (faultCode !== 9005 || request.method !== 'GetParameterValues') return undefined;
  return step(task, { after: request.parameterNames.at(-1) });
}
