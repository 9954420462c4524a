import type { AnchorName } from '../development-authorities.ts';
import type { DevelopmentPki } from '../development-pki.ts';
import type { RawReport } from '../raw-client.ts';
import type { SessionReport } from '../session-report.ts';

/** `main` accepts every anchor of the development PKI, `second` the operator's alone: see `demoDoors`. */
export type DoorName = 'main' | 'second';

/** What the demo's listeners have to accept for the scenarios to mean what they say. */
export const demoDoors: readonly { readonly name: DoorName; readonly anchors: readonly AnchorName[] }[] = [
  { name: 'main', anchors: ['acme', 'zenith', 'operator'] },
  { name: 'second', anchors: ['operator'] },
];

export interface ScenarioContext {
  readonly pki: DevelopmentPki;
  readonly doors: Readonly<Record<DoorName, string>>;
  readonly at: Date;
}

/** A device the operator must have in the register before: added with its first identity, the others linked to it. */
export interface DeviceToAdd {
  readonly identities: readonly { readonly anchor: AnchorName; readonly identity: string }[];
  readonly blocked?: true;
  /** Scrapped before it calls. */
  readonly retired?: true;
  /** Its place was taken by the device with this identity, which is in the list before it. */
  readonly replacedBy?: string;
}

/** What must come of one connection. A refusal without `http` or `fault` must not have got one byte of HTTP. */
export interface Expectation {
  readonly outcome: 'admitted' | 'refused';
  readonly reason?: string;
  readonly http?: number;
  /** CWMP fault code in answer to the Inform. */
  readonly fault?: number;
  /** TLS alert number. */
  readonly alert?: number;
  readonly tlsVersion?: string;
  readonly resumed?: boolean;
}

export interface Step {
  readonly label: string;
  readonly door: DoorName;
  readonly expect: Expectation;
}

/** What the client saw of one step. */
export interface Observation {
  /** Of its connections; the ACS knows them as remote ports. */
  readonly localPorts: readonly number[];
  readonly informed: boolean;
  readonly complete: boolean;
  readonly statuses: readonly number[];
  readonly fault?: number;
  readonly alert?: number;
  readonly closedBy: 'device' | 'acs' | 'nobody';
  readonly tlsVersion?: string;
  readonly resumed?: boolean;
  /** What the ACS did against the rules, each to be read after "the ACS". */
  readonly violations: readonly string[];
  readonly error?: string;
  readonly durationMs: number;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly prepare: readonly DeviceToAdd[];
  readonly steps: readonly Step[];
  /** One observation a step, in order, whatever the ACS does. Scenarios share nothing and may run side by side. */
  run(context: ScenarioContext): Promise<readonly Observation[]>;
}

export function ofSession(report: SessionReport): Observation {
  const { faultCode, alert, tlsVersion, resumed, error } = report;
  return {
    localPorts: report.localPorts,
    informed: report.informed,
    complete: report.complete,
    statuses: report.statuses,
    closedBy: report.closedBy,
    violations: report.violations,
    durationMs: report.durationMs,
    ...(faultCode === undefined ? {} : { fault: faultCode }),
    ...(alert === undefined ? {} : { alert }),
    ...(tlsVersion === undefined ? {} : { tlsVersion }),
    ...(resumed === undefined ? {} : { resumed }),
    ...(error === undefined ? {} : { error }),
  };
}

/** Stands for a step that could not be taken, because one before it failed. */
export function notTaken(error: string): Observation {
  return {
    localPorts: [],
    informed: false,
    complete: false,
    statuses: [],
    closedBy: 'nobody',
    violations: [],
    error,
    durationMs: 0,
  };
}

export function ofRaw(report: RawReport): Observation {
  const { localPort, alert, serverHello, plainHttp, error } = report;
  return {
    localPorts: localPort === undefined ? [] : [localPort],
    informed: false,
    complete: false,
    statuses: [],
    closedBy: report.closedBy,
    violations: [
      ...(serverHello === undefined ? [] : [`chooses suite 0x${serverHello.suite.toString(16)}`]),
      ...(plainHttp === undefined ? [] : [`answers in plain HTTP: ${plainHttp}`]),
    ],
    durationMs: report.durationMs,
    ...(alert === undefined ? {} : { alert: alert.description }),
    ...(error === undefined ? {} : { error }),
  };
}
