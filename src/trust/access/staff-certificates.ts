import type { ClientCertificatesConfig } from '../../config/schema.ts';
import type { Clock } from '../../platform/clock.ts';
import { DatabaseError } from '../../platform/database-error.ts';
import { nameToString } from '../../x509/name.ts';
import { purposes } from '../../x509/oids.ts';
import { judgePath } from '../../x509/path.ts';
import type { PathAnchor } from '../../x509/path-anchor.ts';
import { createPathCache } from '../../x509/path-cache.ts';
import { profiles, withLevels } from '../../x509/profile.ts';
import { type AnchorOptions, type AnchorsResult, loadPathAnchor } from '../anchors.ts';
import { identityRules, nameIdentity } from '../identity.ts';
import type { Revocation } from '../revocation/revocation.ts';
import type { HolderResult } from './holder.ts';

/** The anchor of people's certificates: its name in the revocation policy, in `hems crl list` and in metrics. */
export const staffAnchorName = 'management';

export type StaffAnchorResult =
  | { readonly ok: true; readonly anchor: PathAnchor }
  | Extract<AnchorsResult, { readonly ok: false }>;

/** The RFC, and no key or hash that could be broken. */
const profile = (() => {
  const made = withLevels(profiles.rfc5280, {
    'rsa-key-size': 'refuse',
    'signature-hash': 'refuse',
    'extended-key-usage': 'refuse',
  });
  return made.ok ? made.profile : profiles.hems;
})();

export async function loadStaffAnchor(
  { anchors: files }: ClientCertificatesConfig,
  options: AnchorOptions,
): Promise<StaffAnchorResult> {
  const key = 'management.clientCertificates.anchors';
  const { path, faults } = await loadPathAnchor(
    { name: staffAnchorName, files, key, profile, acceptExpired: false },
    options,
  );
  return faults.length > 0 ? { ok: false, faults } : { ok: true, anchor: path };
}

export interface StaffCertificatesDeps {
  readonly config: ClientCertificatesConfig;
  readonly anchor: PathAnchor;
  readonly revocation: Pick<Revocation, 'judge'>;
  readonly clock: Clock;
}

/** Whose a client certificate is: DER, the leaf first, as it was sent in a handshake. */
export type JudgeStaff = (chain: readonly Uint8Array[]) => Promise<HolderResult>;

/** Nobody needs more for a person. */
const mostCertificates = 10;

/**
 * A path to an anchor of the management door, a subject of the table, revocation. A certificate that could name a
 * device opens nothing here, and one that could not opens no door for devices: whatever CA issued them.
 */
export function createStaffCertificates({ config, anchor, revocation, clock }: StaffCertificatesDeps): JudgeStaff {
  const anchors = [anchor];
  const cache = createPathCache({ maxEntries: 10_000 });
  const table = new Map(config.subjects.map((one) => [one.subject, one]));
  const invalid = (cause: string): HolderResult => ({ ok: false, kind: 'invalid', cause });
  return async (chain) => {
    const at = clock.now();
    const limits = { certificates: mostCertificates };
    const judged = judgePath({ chain, anchors, at, cache, limits, purpose: purposes.clientAuth });
    if (!judged.ok) return invalid(`the client certificate is not good: ${judged.failures[0].message}`);
    const { path } = judged;
    const { leaf } = path;
    if (nameIdentity(leaf, identityRules).kind !== 'none') return invalid('the client certificate is that of a device');
    const subject = nameToString(leaf.subject);
    const entry = table.get(subject);
    if (entry === undefined)
      return { ok: false, kind: 'unmapped', cause: 'the subject of the client certificate is mapped to no role' };
    const refusal = await revoked({ revocation, required: config.revocation === 'required' }, path, at);
    if (refusal !== undefined) return refusal;
    const { role, group = null } = entry;
    return { ok: true, holder: { kind: 'certificate', id: leaf.fingerprint, name: subject, role, group } };
  };
}

async function revoked(
  { revocation, required }: { readonly revocation: Pick<Revocation, 'judge'>; readonly required: boolean },
  path: Parameters<Revocation['judge']>[0]['path'],
  at: Date,
): Promise<HolderResult | undefined> {
  try {
    const verdict = await revocation.judge({ path, identity: undefined }, at);
    if (verdict.outcome !== 'admit')
      return { ok: false, kind: 'invalid', cause: `the client certificate is refused: ${verdict.cause}` };
    if (!required || !verdict.tolerated.includes('unchecked')) return undefined;
    const cause = `nobody can say whether the client certificate is revoked: the revocation policy does not name ${staffAnchorName}`;
    return { ok: false, kind: 'unavailable', cause };
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return { ok: false, kind: 'unavailable', cause: 'nobody can say whether the client certificate is revoked' };
  }
}
