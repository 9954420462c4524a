import type { AcsRequest } from '../cwmp/acs-methods.ts';

/** What the ACS wants of a device; none yet, so a session ends after the device's own business. */
export interface Task {
  readonly id: string;
  readonly deviceId: string;
  readonly request: AcsRequest;
}

/** The device's next task in its ACS turn. No round trip while there is no queue. */
export function nextTask(_deviceId: string): Promise<Task | undefined> {
  return Promise.resolve(undefined);
}
