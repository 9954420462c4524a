import type { ConnectionRequest, ConnectionRequestState } from '../fleet/connection-request.ts';

const words: Readonly<Record<ConnectionRequestState, string>> = {
  waiting: 'waits for a node',
  sending: 'is being sent',
  accepted: 'accepted',
  busy: 'the device is busy',
  unauthorized: 'the device wants credentials',
  rejected: 'the device does not take it',
  'no-answer': 'no answer',
  refused: 'not sent',
  needless: 'not needed',
  unsettled: 'nobody knows whether it was sent',
};

/** TS 33.320 8.3.4 knows no shared secret; who uses one shall see it. */
const deviation = 'by digest, a deviation from TS 33.320 8.3.4';

/** One line of what came of it; what the device wrote is not escaped yet. */
export function wakeText({ state, status, cause, detail, form, url }: ConnectionRequest): string {
  const answer = status === null ? '' : ` (HTTP ${status})`;
  const why = detail === null ? '' : `: ${detail}${cause === null ? '' : ` [${cause}]`}`;
  return `${words[state]}${answer}${why}${form === 'digest' ? `, ${deviation}` : ''}${url === null ? '' : `, ${url}`}`;
}
