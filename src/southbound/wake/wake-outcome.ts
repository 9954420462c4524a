import type { ConnectionRequestForm, ConnectionRequestOutcome } from '../../fleet/connection-request.ts';
import type { EgressResult } from '../../platform/egress/egress-request.ts';

/** What an exchange with a device says of a connection request, with what to do about it. */
export function outcomeOf(result: EgressResult, form: ConnectionRequestForm): ConnectionRequestOutcome {
  switch (result.kind) {
    case 'answer':
      return answered(result.status, form);
    case 'not-modified':
      return { state: 'rejected', form, status: 304, cause: 'status', detail: 'answered 304', remedy: seeDevice };
    case 'refused':
      return result.cause === 'redirect'
        ? {
            state: 'rejected',
            form,
            cause: 'redirect',
            detail: 'answered with a redirect, which is never followed',
            remedy: seeDevice,
          }
        : { state: 'refused', form, cause: result.cause, detail: result.detail, remedy: refusalRemedy(result.cause) };
    case 'failed':
      return failed(result, form);
  }
}

const seeDevice = 'see to the device: what answers there is no CWMP connection request server';

function answered(status: number, form: ConnectionRequestForm): ConnectionRequestOutcome {
  // TR-069 3.2.2: 200 or 204, and a session within 30 seconds.
  if (status >= 200 && status < 300) return { state: 'accepted', form, status };
  if (status === 503)
    return {
      state: 'busy',
      form,
      status,
      cause: 'busy',
      detail: 'it is in a session, or was asked too often',
      remedy: 'ask again in a minute',
    };
  if (status === 401)
    return {
      state: 'unauthorized',
      form,
      status,
      cause: 'unauthorized',
      detail: 'it asks for credentials',
      remedy:
        'wait for its next periodic Inform; digest is possible per anchor (connectionRequest: digest), against TS 33.320 8.3.4',
    };
  return { state: 'rejected', form, status, cause: 'status', detail: `answered ${status}`, remedy: seeDevice };
}

function refusalRemedy(cause: string): string {
  switch (cause) {
    case 'address':
      return 'wait for its next Inform, which tells where it is; list a tunnel network in connectionRequests.networks';
    default:
      return 'the device chooses its ConnectionRequestURL: see to its configuration';
  }
}

type Failed = Extract<EgressResult, { kind: 'failed' }>;

function failed({ cause, detail }: Failed, form: ConnectionRequestForm): ConnectionRequestOutcome {
  switch (cause) {
    case 'certificate':
      // The handshake showed who it is before anything was sent.
      return {
        state: 'refused',
        form,
        cause,
        detail,
        remedy: 'the device must answer with a certificate by which it is let in',
      };
    case 'tls':
      return {
        state: 'no-answer',
        form,
        cause,
        detail,
        remedy: 'see whether the device takes the certificate of connectionRequests.certificate',
      };
    case 'busy':
      return { state: 'refused', form, cause, detail, remedy: 'ask again in a minute' };
    case 'resolution':
      return { state: 'refused', form, cause, detail, remedy: 'a device is best named by its address' };
    case 'too-large':
    case 'encoding':
    case 'broken':
      return { state: 'no-answer', form, cause, detail, remedy: seeDevice };
    case 'connection':
    case 'timeout':
    case 'proxy':
    case 'remembered':
      return {
        state: 'no-answer',
        form,
        cause,
        detail,
        remedy: 'the device is off, or behind a NAT or firewall: wait for its next periodic Inform',
      };
  }
}
