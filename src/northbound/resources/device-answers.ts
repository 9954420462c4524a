import { z } from 'zod';
import { deviceStates } from '../../fleet/device.ts';
import { type DeviceIdentity, parseIdentityName, speaksFor } from '../../fleet/identity.ts';
import type { By, Problem, StateResult } from '../../fleet/register.ts';
import type { TrustAnchor } from '../../trust/anchors.ts';
import { type Answer, refuse } from '../operation.ts';
import { line } from '../values.ts';

export const movedSchema = z.strictObject({
  id: z.uuid(),
  state: z.enum(deviceStates),
  changed: z.boolean().describe('False: it was so already.'),
});

const absent: readonly Problem['kind'][] = ['device_missing', 'identity_missing', 'certificate_missing', 'no_conflict'];

export function refused({ kind, message }: Problem): Answer {
  return refuse(absent.includes(kind) ? 404 : 409, { code: kind, detail: message });
}

export function stateAnswer(result: StateResult): Answer {
  if (!result.ok) return refused(result.problem);
  return { status: 200, body: { id: result.deviceId, state: result.state, changed: result.changed } };
}

export function withReason(by: By, reason: string | undefined): By {
  return { ...by, ...(reason !== undefined && { reason }) };
}

/** An identity as a person writes it, in a body. */
export const identityFields = {
  anchor: line(63).describe('The trust anchor that vouches for the identity.'),
  identity: line(450).describe('`<EUI>.<realm>`, or `OUI[-ProductClass]-Serial`.'),
};

export type Named =
  | { readonly ok: true; readonly identity: DeviceIdentity }
  | { readonly ok: false; readonly answer: Answer };

/** An identity that its anchor may not speak for could never come in: better said now than found out in the field. */
export function identityOf(
  anchors: readonly TrustAnchor[],
  { anchor, identity }: { readonly anchor: string; readonly identity: string },
): Named {
  const fault = (field: string, detail: string): Named => {
    return { ok: false, answer: refuse(422, { in: 'body', field, detail }) };
  };
  const name = parseIdentityName(identity);
  if (name === undefined) return fault('identity', 'is no identity');
  const vouching = anchors.find((one) => one.name === anchor);
  if (vouching === undefined) return fault('anchor', 'there is no such trust anchor');
  if (!speaksFor(vouching.realms, name)) return fault('identity', 'is of no realm that the anchor may speak for');
  return { ok: true, identity: { anchor, ...name } };
}

/** The same where it may be left out; both or neither. */
export function optionalIdentity(
  anchors: readonly TrustAnchor[],
  { anchor, identity }: { readonly anchor?: string | undefined; readonly identity?: string | undefined },
): Named | { readonly ok: true; readonly identity: undefined } {
  if (anchor !== undefined && identity !== undefined) return identityOf(anchors, { anchor, identity });
  if (anchor === identity) return { ok: true, identity: undefined };
  const field = anchor === undefined ? 'anchor' : 'identity';
  return { ok: false, answer: refuse(422, { in: 'body', field, detail: 'anchor and identity go together' }) };
}
