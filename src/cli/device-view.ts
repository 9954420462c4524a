import type { DevicePage, DeviceSummary } from '../fleet/listing.ts';
import type { DeviceDetails } from '../fleet/listing-details.ts';
import { wakeText } from './device-wake-view.ts';
import { type Colour, paint, print, printable, table } from './terminal.ts';

const stateColours: Partial<Record<string, Colour>> = {
  active: 'green',
  blocked: 'red',
  held: 'yellow',
  quarantined: 'yellow',
};

const time = (at: Date | null | undefined): string => at?.toISOString().slice(0, 19) ?? '-';

function serial({ oui, productClass, serialNumber }: DeviceSummary): string {
  if (oui === null) return '-';
  return [oui, productClass, serialNumber].filter((part) => part !== null && part !== '').join('-');
}

export function printDevices({ devices, next }: DevicePage, shown: { readonly expiry?: boolean } = {}): void {
  if (devices.length === 0) {
    print('No device.');
    return;
  }
  print(
    table(devices, [
      { title: 'DEVICE', value: ({ deviceId }) => deviceId },
      { title: 'STATE', value: ({ state }) => state, colour: ({ state }) => stateColours[state] },
      { title: 'IDENTITY', value: ({ identities }) => identities.join(', ') },
      { title: 'SERIAL', value: serial, limit: 40 },
      { title: 'SOFTWARE', value: ({ softwareVersion }) => softwareVersion ?? '-', limit: 24 },
      { title: 'LAST INFORM', value: ({ lastInformAt }) => time(lastInformAt) },
      ...(shown.expiry === true
        ? [{ title: 'EXPIRES', value: ({ expiresAt }: DeviceSummary) => time(expiresAt) }]
        : []),
    ]),
  );
  if (next !== undefined) print(`More: --after ${next}`);
}

export function printDevice(device: DeviceDetails): void {
  const { deviceId, state, stateSince, origin, registeredAt, serialProvenance, note, lastInform } = device;
  const lines: [string, string][] = [
    ['Device', deviceId],
    ['State', `${state} since ${time(stateSince)}`],
    ['Registered', `${time(registeredAt)} by ${origin}`],
    ['Serial', serialProvenance === null ? 'not learnt yet' : `${serial(device)} (${serialProvenance})`],
    ...(device.replacedBy === null ? [] : ([['Replaced by', device.replacedBy]] as [string, string][])),
    ...(device.tags.length === 0 ? [] : ([['Tags', device.tags.join(', ')]] as [string, string][])),
    ...(device.site === null ? [] : ([['Site', device.site]] as [string, string][])),
    ...(note === null ? [] : ([['Note', note]] as [string, string][])),
    ['Last Inform', lastInform === undefined ? 'none' : informText(lastInform)],
  ];
  for (const [title, value] of lines) print(`${paint('bold', title.padEnd(12))} ${printable(value, 300)}`);
  section('Identities', device.identityRecords, [
    { title: 'ANCHOR', value: ({ anchor }) => anchor },
    { title: 'IDENTITY', value: ({ value }) => value },
    { title: 'LINKED', value: ({ linkedAt }) => time(linkedAt) },
    { title: 'BY', value: ({ linkedBy }) => linkedBy },
  ]);
  section('Certificates', device.certificates, [
    { title: 'FINGERPRINT', value: ({ fingerprint }) => fingerprint },
    {
      title: 'STATE',
      value: ({ state: one }) => one,
      colour: ({ state: one }) => (one === 'held' ? 'yellow' : undefined),
    },
    { title: 'SUBJECT', value: ({ subject }) => subject, limit: 60 },
    { title: 'UNTIL', value: ({ notAfter }) => time(notAfter) },
    { title: 'LAST SEEN', value: ({ lastSeen }) => time(lastSeen) },
  ]);
  section('Decisions', device.decisions, [
    { title: 'AT', value: ({ at }) => time(at) },
    {
      title: 'OUTCOME',
      value: ({ outcome }) => outcome,
      colour: ({ outcome }) => (outcome === 'admitted' ? 'green' : 'red'),
    },
    { title: 'WHY', value: ({ reason, detail }) => (reason === null ? '-' : `${reason} (${detail})`) },
    { title: 'FROM', value: ({ remoteAddress }) => remoteAddress ?? '-' },
    { title: 'TLS', value: ({ tlsVersion, resumed }) => `${tlsVersion ?? '-'}${resumed === true ? ' resumed' : ''}` },
  ]);
  section('Changes', device.changes, [
    { title: 'AT', value: ({ at }) => time(at) },
    { title: 'WHAT', value: ({ action }) => action },
    { title: 'WHO', value: ({ actorKind, actor }) => `${actorKind}:${actor}` },
    { title: 'REASON', value: ({ reason }) => reason ?? '-' },
  ]);
  section('Connection requests', device.connectionRequests, [
    { title: 'AT', value: ({ at }) => time(at) },
    { title: 'WHAT CAME OF IT', value: wakeText, limit: 160 },
    { title: 'SESSION', value: ({ sessionAt }) => time(sessionAt) },
    { title: 'WHO', value: ({ origin }) => `${origin.kind}:${origin.name}`, limit: 40 },
  ]);
}

function informText(contact: NonNullable<DeviceDetails['lastInform']>): string {
  const { at, events, softwareVersion, remoteAddress, cwmpVersion } = contact;
  return `${time(at)} from ${remoteAddress ?? '-'}, ${events.join(', ')}, CWMP ${cwmpVersion}, software ${softwareVersion ?? '-'}`;
}

function section<Row>(title: string, rows: readonly Row[], columns: Parameters<typeof table<Row>>[1]): void {
  if (rows.length === 0) return;
  print(`\n${paint('bold', title)}\n${table(rows, columns)}`);
}
