import type { AcsRequest } from '../cwmp/acs-methods.ts';
import type { DeviceSecrets } from './device-secrets.ts';
import { isSecret, masked, maskedValue } from './secret-parameters.ts';
import type { ParameterToWrite, TaskRequest } from './task.ts';

/*
 * Secret values in wishes: wrapped from the moment they are queued, opened for the one request that carries them, and
 * gone once the task is over.
 */

const nameOf = (taskId: string, parameter: string): string => `task ${taskId} ${parameter}`;

const isOpenSecret = ({ name, value, sealed }: ParameterToWrite): boolean =>
  sealed === undefined && value !== '' && isSecret(name);

/** The name of a parameter whose value cannot be kept, for want of a wrapping key. */
export type SealedRequest =
  | { readonly ok: true; readonly request: TaskRequest }
  | { readonly ok: false; readonly name: string };

export async function sealRequest(
  secrets: DeviceSecrets,
  taskId: string,
  request: TaskRequest,
): Promise<SealedRequest> {
  if (request.kind !== 'write-values' || !request.values.some(isOpenSecret)) return { ok: true, request };
  const values: ParameterToWrite[] = [];
  for (const one of request.values) {
    if (!isOpenSecret(one)) {
      values.push(one);
      continue;
    }
    const sealed = await secrets.seal(nameOf(taskId, one.name), one.value);
    if (sealed === undefined) return { ok: false, name: one.name };
    values.push({ ...one, value: '', sealed });
  }
  return { ok: true, request: { ...request, values } };
}

export type OpenedRequest =
  | { readonly ok: true; readonly request: TaskRequest }
  | { readonly ok: false; readonly message: string };

export async function openRequest(
  secrets: DeviceSecrets,
  taskId: string,
  request: TaskRequest,
): Promise<OpenedRequest> {
  if (request.kind !== 'write-values' || !request.values.some(({ sealed }) => sealed !== undefined))
    return { ok: true, request };
  const values: ParameterToWrite[] = [];
  for (const { sealed, ...one } of request.values) {
    const opened = sealed === undefined ? undefined : await secrets.open(nameOf(taskId, one.name), sealed);
    if (opened?.ok === false)
      return { ok: false, message: `the value of ${one.name} cannot be opened: ${opened.cause}` };
    values.push({ ...one, value: opened?.secret ?? one.value });
  }
  return { ok: true, request: { ...request, values } };
}

/** As people see it. */
export function shownRequest(request: TaskRequest): TaskRequest {
  if (request.kind !== 'write-values') return request;
  return { ...request, values: request.values.map(shownValue) };
}

export function shownValue({ sealed, ...one }: ParameterToWrite): ParameterToWrite {
  return { ...one, value: sealed === undefined ? maskedValue(one.name, one.value) : masked };
}

/**
 * A request that is with the device, as it is kept for other nodes: these need to know what was asked, not with what.
 * The same object where nothing of it is secret.
 */
export function withoutSecretValues(request: AcsRequest): AcsRequest {
  if (request.method !== 'SetParameterValues') return request;
  const isHidden = ({ name, value }: { name: string; value: string }): boolean => value !== '' && isSecret(name);
  if (!request.parameterList.some(isHidden)) return request;
  return {
    ...request,
    parameterList: request.parameterList.map((one) => (isHidden(one) ? { ...one, value: '' } : one)),
  };
}
