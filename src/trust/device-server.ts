import type { AdmissionRecords } from '../fleet/admission-records.ts';
import { createPathCache } from '../x509/path-cache.ts';
import { judgePath } from '../x509/path.ts';
import type { TrustAnchor } from './anchors.ts';
import { identify } from './identity.ts';
import type { Revocation } from './revocation/revocation.ts';

/**
 * Judges the certificate of a device that answers as a server: its path, identity and revocation are those of the gate,
 * and it has to be a certificate by which that very device is let in. Undefined, or why not. It registers nothing.
 */
export type DeviceServerJudge = (
  chain: readonly Uint8Array[],
  deviceId: string,
  at: Date,
) => Promise<string | undefined>;

export interface DeviceServerDeps {
  readonly anchors: readonly TrustAnchor[];
  readonly revocation: Pick<Revocation, 'judge'>;
  readonly records: Pick<AdmissionRecords, 'find'>;
}

const mostCached = 1000;

export function createDeviceServerJudge({ anchors, revocation, records }: DeviceServerDeps): DeviceServerJudge {
  const paths = anchors.map(({ path }) => path);
  const cache = createPathCache({ maxEntries: mostCached });
  return async (chain, deviceId, at) => {
    if (chain.length === 0) return 'it shows no certificate';
    const result = judgePath({ chain, anchors: paths, at, cache, resumed: false });
    if (!result.ok) {
      const [{ reason, detail, message }] = result.failures;
      return `its certificate is not trusted: ${reason} (${detail}): ${message}`;
    }
    const { path } = result;
    const anchor = anchors.find(({ name }) => name === path.anchorName);
    const identified = anchor === undefined ? undefined : identify(path.leaf, anchor);
    if (identified?.ok !== true) return `its certificate names no identity: ${identified?.reason ?? 'no anchor'}`;
    const { identity } = identified;
    const verdict = await revocation.judge({ path, identity: identity.value }, at);
    if (verdict.outcome !== 'admit') return `its certificate does not stand: ${verdict.cause} (${verdict.detail})`;
    const standing = await records.find(identity, Buffer.from(path.leaf.fingerprint, 'hex'), null);
    if (standing?.deviceId !== deviceId)
      return `its certificate is that of ${identity.value}, ${standing === undefined ? 'which nobody knows' : 'another device'}`;
    if (standing.certificate !== 'approved')
      return `its certificate is not one that the device is let in by (${standing.certificate ?? 'never shown'})`;
    return undefined;
  };
}
