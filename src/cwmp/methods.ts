import type { AcsRequest } from './acs-methods.ts';
import type { CpeRequest } from './cpe-methods.ts';
import { type CwmpVersion, cwmpVersions } from './versions.ts';

type MethodName<Message extends { readonly method: string }> = Exclude<Message['method'], 'unsupported'>;

/** The methods of a CPE, and the version that brought them (TR-069 Annex A). */
export const cpeMethods: Readonly<Record<MethodName<AcsRequest>, CwmpVersion>> = {
  GetRPCMethods: '1.0',
  SetParameterValues: '1.0',
  GetParameterValues: '1.0',
  GetParameterNames: '1.0',
  SetParameterAttributes: '1.0',
  GetParameterAttributes: '1.0',
  AddObject: '1.0',
  DeleteObject: '1.0',
  Download: '1.0',
  Reboot: '1.0',
  GetQueuedTransfers: '1.0',
  ScheduleInform: '1.0',
  SetVouchers: '1.0',
  GetOptions: '1.0',
  Upload: '1.0',
  FactoryReset: '1.0',
  GetAllQueuedTransfers: '1.1',
  ScheduleDownload: '1.2',
  CancelTransfer: '1.2',
  ChangeDUState: '1.2',
};

/** The methods of an ACS. */
const acsMethods: Readonly<Record<MethodName<CpeRequest>, CwmpVersion>> = {
  Inform: '1.0',
  GetRPCMethods: '1.0',
  TransferComplete: '1.0',
  RequestDownload: '1.0',
  Kicked: '1.0',
  AutonomousTransferComplete: '1.1',
  DUStateChangeComplete: '1.2',
  AutonomousDUStateChangeComplete: '1.2',
};

/** Whether a version has what an earlier one brought. */
export function isSince(version: CwmpVersion, since: CwmpVersion): boolean {
  return cwmpVersions.indexOf(version) >= cwmpVersions.indexOf(since);
}

/** What GetRPCMethods tells a device of this version: it could not read the names of later methods. */
export function acsMethodsOf(version: CwmpVersion): readonly string[] {
  return Object.entries(acsMethods).flatMap(([name, since]) => (isSince(version, since) ? [name] : []));
}
