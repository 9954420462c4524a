import type { FleetJobs } from '../../fleet/jobs/fleet-jobs.ts';
import type { findChanges } from '../../fleet/change-search.ts';
import type { ConnectionRequests } from '../../fleet/connection-requests.ts';
import type { Transfers } from '../../fleet/files/device-transfers.ts';
import type { Files } from '../../fleet/files/files.ts';
import type { Overviews } from '../../fleet/overview.ts';
import type { ParameterReading } from '../../fleet/parameter-reading.ts';
import type { By, Register } from '../../fleet/register.ts';
import type { SessionListing } from '../../fleet/session-listing.ts';
import type { findTasks } from '../../fleet/task-search.ts';
import type { Tasks } from '../../fleet/tasks.ts';
import type { Traces } from '../../fleet/traces.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Idempotency } from '../../platform/idempotency.ts';

import type { ApiKeys } from '../../trust/access/api-keys.ts';
import type { TrustAnchor } from '../../trust/anchors.ts';
import type { AuditDesk } from '../../trust/audit-desk.ts';
import type { AnchorSurvey } from '../../trust/certificate-survey.ts';
import type { JudgedClause } from '../../trust/compliance/clauses.ts';
import type { Status } from '../../trust/compliance/status.ts';
import type { DecisionReading } from '../../trust/decision-reading.ts';
import type { countDecisions, findDecisions } from '../../trust/decision-search.ts';
import type { RevocationDesk } from '../../trust/revocation/revocation-desk.ts';
import type { Profile } from '../../x509/profile.ts';

type WithoutDatabase<F> = F extends (db: never, ...rest: infer Rest) => infer Result
  ? (...rest: Rest) => Result
  : never;

/** What the API stands on: the functions of fleet and trust, which the command line uses too. */
export interface ApiDeps {
  readonly register: Register;
  readonly tasks: Tasks;
  readonly connectionRequests: ConnectionRequests;
  /** Whoever queues a task waits for it, unless he says otherwise: the device is asked to call. */
  readonly wakeForTasks: boolean;
  readonly files: Files;
  readonly transfers: Transfers;
  /** Milliseconds that a link lives. */
  readonly linkLife: number;
  readonly parameters: ParameterReading;
  readonly sessions: SessionListing;
  readonly traces: Traces;
  readonly overviews: Overviews;
  readonly findTasks: WithoutDatabase<typeof findTasks>;
  readonly countDecisions: WithoutDatabase<typeof countDecisions>;
  readonly clock: Clock;
  readonly idempotency: Idempotency;
  readonly jobs: FleetJobs;
  /** There is a new job. */
  readonly kickJobs: () => void;
  readonly keys: ApiKeys;
  /** Lets the quarantined certificates of a device in until then; how many there are. */
  readonly release: (deviceId: string, until: Date, by: By) => Promise<number>;
  readonly anchors: readonly TrustAnchor[];
  readonly findDecisions: WithoutDatabase<typeof findDecisions>;
  readonly findChanges: WithoutDatabase<typeof findChanges>;
  readonly inGroup: (deviceId: string, group: string) => Promise<boolean>;
  readonly decisions: DecisionReading;
  readonly audit: AuditDesk;
  readonly desk: RevocationDesk;
  /** Holds every certificate that was shown against every rule. */
  readonly survey: (
    otherwise: Profile,
  ) => Promise<{ readonly anchors: readonly AnchorSurvey[]; readonly unkept: number }>;
  readonly status: () => Promise<Status>;
  /** Of this node, as of now. */
  readonly clauses: () => readonly JudgedClause[];
  /** Of the doors for devices on this node. */
  readonly serverCertificates: () => readonly ServerCertificateState[];
}

export interface ServerCertificateState {
  readonly listener: string;
  readonly keyType: string;
  readonly file: string;
  readonly subject: string;
  readonly fingerprint: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly served: boolean;
  readonly mustStaple: boolean;
  readonly stapleUntil: Date | null;
}
