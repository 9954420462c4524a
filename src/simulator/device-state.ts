import type { ParameterTree } from './parameter-tree.ts';
import type { EventStruct, OwnRequest, TransferComplete } from './soap-writer.ts';
import type { TransferPlan } from './transfer-plan.ts';

/** What a device remembers between sessions. */
export interface DeviceState {
  tree: ParameterTree;
  /** Events of the next Inform. */
  readonly pendingEvents: EventStruct[];
  /** Transfers to report in the next session. */
  readonly transfers: TransferComplete[];
  /** Further calls for the next session, repeated until they are answered. */
  readonly ownRequests: OwnRequest[];
  /** Transfers that wait for their window. */
  readonly queued: TransferJob[];
  /** Transfers that are to be carried out when the session is over, or later. */
  readonly jobs: TransferJob[];
  /** What becomes of the next transfers, in order. */
  readonly transferPlans: TransferPlan[];
  /** Parameters whose change is to be told. */
  readonly changed: Set<string>;
  /** False until the ACS has answered a `0 BOOTSTRAP`. */
  bootstrapped: boolean;
  /** Carried out when the session is over (TR-069 A.3.2.9): nothing, a reboot, or a reset to what it left the factory with. */
  restart: 'none' | 'reboot' | 'factory-reset';
  /** Of the Reboot that asked for it. */
  rebootKey: string;
  bootedAt: Date;
  /** How often it has rebooted or been reset, and every non-idempotent call it has carried out. */
  readonly deeds: string[];
  /** Faults to answer with instead of doing as asked, by method, in order. */
  readonly faults: { readonly method: string; readonly code: number }[];
  /** The next row of each ring of FaultMgmt. */
  readonly ringRows: Map<string, number>;
  /** Informs that the ACS has scheduled; `due` as of Date.now(). */
  readonly scheduled: { readonly due: number; readonly commandKey: string }[];
}

export interface TransferJob extends QueuedTransfer {
  /** Autonomous: by the device's own schedule. */
  readonly method: 'Download' | 'ScheduleDownload' | 'Upload' | 'Autonomous';
  readonly url: string;
  readonly notBefore: Date;
}

export interface QueuedTransfer {
  readonly commandKey: string;
  readonly isDownload: boolean;
  readonly fileType: string;
  readonly fileSize: number;
  readonly targetFileName: string;
}

export function newDeviceState(tree: ParameterTree, at: Date): DeviceState {
  return {
    tree,
    pendingEvents: [],
    transfers: [],
    ownRequests: [],
    queued: [],
    jobs: [],
    transferPlans: [],
    changed: new Set(),
    bootstrapped: false,
    restart: 'none',
    rebootKey: '',
    bootedAt: at,
    deeds: [],
    faults: [],
    ringRows: new Map(),
    scheduled: [],
  };
}
