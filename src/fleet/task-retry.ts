import type { TaskFault } from './task.ts';

/** What is done about a fault. */
export type RetryDecision = { readonly kind: 'give-up' } | { readonly kind: 'again'; readonly afterSeconds: number };

/** Faults that may pass by themselves (TR-069 A.5.1); all others say the same tomorrow. */
const passing: ReadonlyMap<number, 'soon' | 'later'> = new Map([
  [9002, 'soon'], // internal error
  [9004, 'soon'], // resources exceeded
  [9027, 'soon'], // system resources exceeded
  [9010, 'later'], // file transfer failure
  [9011, 'later'], // upload failure
  [9014, 'later'], // unable to join multicast group
  [9015, 'later'], // unable to contact file server
  [9016, 'later'], // unable to access file
  [9017, 'later'], // unable to complete download
]);

const waits = { soon: [60, 300, 900], later: [300, 900, 3600] } as const;

/** How often the wish itself is sent at most, answered or not. */
export const mostAttempts = 4;

/** Of a wish that was sent `attempts` times and is known not to have been carried out. */
export function retryOf(faultCode: number, attempts: number): RetryDecision {
  const when = passing.get(faultCode);
  const seconds = when === undefined ? undefined : waits[when][attempts - 1];
  return seconds === undefined ? { kind: 'give-up' } : { kind: 'again', afterSeconds: seconds };
}

export function later(at: Date, seconds: number): Date {
  return new Date(at.getTime() + seconds * 1000);
}

/** Devices write what they like into a FaultString. */
export function faultOfDevice(fault: {
  readonly faultCode: number;
  readonly faultString: string;
  readonly setParameterValuesFaults?: readonly {
    readonly parameterName: string;
    readonly faultCode: number;
    readonly faultString: string;
  }[];
}): TaskFault {
  const parameters = (fault.setParameterValuesFaults ?? []).slice(0, 100).map((one) => ({
    name: one.parameterName.slice(0, 256),
    code: one.faultCode,
    message: one.faultString.slice(0, 256),
  }));
  return {
    cause: 'fault',
    code: fault.faultCode,
    message: fault.faultString.slice(0, 1024),
    ...(parameters.length > 0 && { parameters }),
  };
}
