import type { FoundChange } from '../../fleet/change-search.ts';
import type { findChanges } from '../../fleet/change-search.ts';
import type { ParameterReading } from '../../fleet/parameter-reading.ts';
import type { Register } from '../../fleet/register.ts';
import type { Tasks } from '../../fleet/tasks.ts';
import type { ApiKeys } from '../../trust/access/api-keys.ts';
import type { TrustAnchor } from '../../trust/anchors.ts';
import type { findDecisions } from '../../trust/decision-search.ts';
import type { ChangeRecord } from '../../trust/revocation/changes.ts';
import type { Holding } from '../../trust/revocation/crl-store.ts';
import type { ListedEntry, QuarantinedCertificate } from '../../trust/revocation/list-store.ts';
import type { StoredPolicy } from '../../trust/revocation/policy-store.ts';

type WithoutDatabase<F> = F extends (db: never, ...rest: infer Rest) => infer Result
  ? (...rest: Rest) => Result
  : never;

export type { FoundChange };

/** What the API stands on: the functions of fleet and trust, which the command line uses too. */
export interface ApiDeps {
  readonly register: Register;
  readonly tasks: Tasks;
  readonly parameters: ParameterReading;
  readonly keys: ApiKeys;
  readonly anchors: readonly TrustAnchor[];
  readonly findDecisions: WithoutDatabase<typeof findDecisions>;
  readonly findChanges: WithoutDatabase<typeof findChanges>;
  readonly policies: (limit: number) => Promise<readonly StoredPolicy[]>;
  readonly crls: () => Promise<readonly Holding[]>;
  readonly revokedCertificates: (limit: number) => Promise<readonly ListedEntry[]>;
  readonly quarantined: (limit: number) => Promise<readonly QuarantinedCertificate[]>;
  readonly revocationChanges: (limit: number) => Promise<readonly ChangeRecord[]>;
}
