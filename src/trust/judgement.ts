import type { Config } from '../config/schema.ts';
import type { AdmissionRecords } from '../fleet/admission-records.ts';
import type { DeviceIdentity } from '../fleet/identity.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { CertificatePath } from '../x509/path.ts';
import type { TrustAnchor } from './anchors.ts';
import type { PathJudge } from './path-judgement.ts';
import type { Peer, RefusalReason, RefusalStage } from './refusal.ts';
import type { Revocation } from './revocation/revocation.ts';
import type { SecondLockError } from './second-lock.ts';
import type { Verdict } from './verdict.ts';

/** A refusal before it has a number. */
export interface Refused {
  readonly stage: RefusalStage;
  readonly reason: RefusalReason;
  readonly detail: string;
  readonly peer: Peer;
  readonly identity?: DeviceIdentity;
  readonly deviceId?: string;
  readonly anchor?: string;
  readonly leaf?: Certificate;
  readonly verdict?: Verdict;
}

export type Judgement =
  | {
      readonly ok: true;
      readonly deviceId: string;
      readonly identity: DeviceIdentity;
      readonly path: CertificatePath;
      readonly sharedSecret: 'refuse' | 'ignore';
      readonly verdict: Verdict;
    }
  | { readonly ok: false; readonly refused: Refused };

export interface Judge extends PathJudge {
  readonly anchors: readonly TrustAnchor[];
  readonly secondLock: Config['secondLock'];
  readonly records: AdmissionRecords;
  readonly revocation: Pick<Revocation, 'judge'>;
  /** Told of known devices that the policy puts in quarantine. */
  readonly quarantined: (deviceId: string, path: CertificatePath, verdict: Verdict, at: Date) => void;
  /** Told of every path that OpenSSL alone refuses. */
  readonly objection: (error: SecondLockError) => void;
  /** Told of errors that kept a client from being judged. */
  readonly complain: (error: unknown) => void;
}

export function refusal(refused: Refused): Judgement {
  return { ok: false, refused };
}
