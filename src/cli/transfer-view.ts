import type { AutonomousTransfer, DeviceUpload } from '../fleet/files/device-transfers.ts';
import type { DeviceTransfer, TransferState } from '../fleet/files/transfer-state.ts';
import { sizeText } from './file-access.ts';
import { faultLines } from './task-view.ts';
import { type Colour, paint, print, printable, table } from './terminal.ts';

const colours: Readonly<Partial<Record<TransferState, Colour>>> = {
  applied: 'green',
  completed: 'green',
  failed: 'red',
  unknown: 'yellow',
  cancelled: 'dim',
  expired: 'dim',
};

/** `fetched, 3.1 of 20.0 MiB`, and what else is to be known. */
export function course(transfer: DeviceTransfer): string {
  const { state, bytesDone, size, failure, fault, version, runs, requests } = transfer;
  const amount = size === null ? sizeText(bytesDone) : `${sizeText(bytesDone)} of ${sizeText(size)}`;
  return [
    ...(requests === 0 ? [] : [`${amount} in ${requests} request${requests === 1 ? '' : 's'}`]),
    ...(failure === null || failure === 'under_way' ? [] : [`last one broke off: ${failure}`]),
    ...(state === 'completed' && version !== null && runs !== version
      ? [`runs ${printable(runs ?? '?')}, not ${printable(version)}`]
      : []),
    ...(fault === null || state === 'completed' || state === 'applied' ? [] : faultLines(fault)),
  ].join('; ');
}

export function printTransfers(transfers: readonly DeviceTransfer[]): void {
  if (transfers.length === 0) return void print('No transfers.');
  print(
    table(transfers, [
      { title: 'TRANSFER', value: ({ id }) => id },
      { title: 'WHAT', value: ({ kind, direction }) => kind ?? `${direction} by link` },
      { title: 'FILE', value: ({ name }) => name, limit: 40 },
      { title: 'VERSION', value: ({ version }) => version ?? '' },
      { title: 'STATE', value: ({ state }) => state, colour: ({ state }) => colours[state] },
      { title: 'SINCE', value: ({ createdAt }) => createdAt.toISOString() },
      { title: 'COMMANDKEY', value: ({ commandKey }) => commandKey ?? '' },
      { title: '', value: course, limit: 120 },
    ]),
  );
}

export function printUploads(uploads: readonly DeviceUpload[]): void {
  if (uploads.length === 0) return void print('It has sent no files.');
  print(
    table(uploads, [
      { title: 'UPLOAD', value: ({ id }) => id },
      { title: 'FOR', value: ({ slot, transferId }) => (slot === null ? `transfer ${transferId}` : `slot ${slot}`) },
      { title: 'NAME', value: ({ name }) => name, limit: 60 },
      { title: 'TYPE', value: ({ fileType }) => fileType, limit: 30 },
      { title: 'SIZE', value: ({ size }) => sizeText(size) },
      { title: 'SHA-256', value: ({ sha256 }) => sha256.slice(0, 16) },
      { title: 'RECEIVED', value: ({ receivedAt }) => receivedAt.toISOString() },
    ]),
  );
}

export function printAutonomous(told: readonly AutonomousTransfer[]): void {
  for (const { at, notice } of told) {
    const { isDownload, transferUrl, faultStruct } = notice as {
      isDownload?: boolean;
      transferUrl?: string;
      faultStruct?: { faultCode?: number };
    };
    const code = faultStruct?.faultCode ?? 0;
    const what = `${isDownload === true ? 'fetched' : 'sent'} by itself ${printable(transferUrl ?? '')}`;
    print(`${at.toISOString()} ${what} ${code === 0 ? paint('green', 'done') : paint('red', `fault ${code}`)}`);
  }
}
