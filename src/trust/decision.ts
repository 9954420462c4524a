import type { DeviceIdentity } from '../fleet/identity.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { ConnectionFacts } from './admission.ts';
import type { Peer, RefusalReason, RefusalStage } from './refusal.ts';
import type { Verdict } from './verdict.ts';

/** What TLS settled, as far as it came. */
export interface DecisionFacts extends ConnectionFacts {
  readonly tlsVersion?: string;
  readonly cipherSuite?: string;
  readonly resumed?: boolean;
  readonly serverName?: string;
}

interface DecisionBase {
  /** UUIDv7. */
  readonly id: string;
  readonly at: Date;
  readonly facts: DecisionFacts;
  readonly identity?: DeviceIdentity;
  readonly leaf?: Certificate;
  readonly verdict?: Verdict;
}

/** One decision of the gate: the source of its event, its counter and its audit row. */
export type Decision =
  | (DecisionBase & { readonly outcome: 'admitted'; readonly peer: 'known'; readonly deviceId: string })
  | (DecisionBase & {
      readonly outcome: 'refused';
      readonly stage: RefusalStage;
      readonly reason: RefusalReason;
      readonly detail: string;
      readonly peer: Peer;
      readonly deviceId?: string;
      /** The anchor that the path led to, also where no identity came of it. */
      readonly anchor?: string;
    });

export function anchorOf(decision: Decision): string | undefined {
  return decision.identity?.anchor ?? (decision.outcome === 'refused' ? decision.anchor : undefined);
}
