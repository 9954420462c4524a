import type { Row } from './parameter-tree.ts';

/* FaultMgmt (TR-157 A3, TR-181): what a device can complain of, what is wrong now, and the rings of what was told. */

const unknownTime = '0001-01-01T00:00:00Z';

const alarmText = [
  'ManagedObjectInstance',
  'EventType',
  'ProbableCause',
  'SpecificProblem',
  'PerceivedSeverity',
] as const;

/** Rings of fixed size: an event takes the next row, whatever was in it (TR-157 A3). */
export const ringSize = 4;

function ring(name: string): Row[] {
  return Array.from({ length: ringSize }, (_, index): Row[] => {
    const row = `Device.FaultMgmt.${name}.${index + 1}.`;
    return [
      [`${row}EventTime`, 'dateTime', unknownTime, 'R'],
      [`${row}AlarmIdentifier`, 'string', '', 'R'],
      [`${row}NotificationType`, 'string', '', 'R'],
      ...alarmText.map((text): Row => [`${row}${text}`, 'string', '', 'R']),
      [`${row}AdditionalText`, 'string', '', 'R'],
      [`${row}AdditionalInformation`, 'string', '', 'R'],
    ];
  }).flat();
}

/** Which alarms, and how each is told: the one thing here that the ACS writes. */
const supported: readonly (readonly [type: string, cause: string, severity: string, mechanism: string])[] = [
  ['Equipment Alarm', 'Equipment Malfunction', 'Major', '0 Expedited'],
  ['Equipment Alarm', 'Fire', 'Critical', '0 Expedited'],
  ['Communications Alarm', 'S1 Link Lost', 'Critical', '0 Expedited'],
  ['Communications Alarm', 'IPsec Tunnel Lost', 'Critical', '0 Expedited'],
  ['Environmental Alarm', 'Temperature Unacceptable', 'Minor', '1 Queued'],
  ['Security Alarm', 'Enclosure Tampering', 'Critical', '0 Expedited'],
  ['Processing Error Alarm', 'Configuration Error', 'Warning', '2 Logged'],
];

function supportedRows(): Row[] {
  return supported.flatMap(([type, cause, severity, mechanism], index): Row[] => {
    const row = `Device.FaultMgmt.SupportedAlarm.${index + 1}.`;
    return [
      [`${row}EventType`, 'string', type, 'R'],
      [`${row}ProbableCause`, 'string', cause, 'R'],
      [`${row}SpecificProblem`, 'string', '', 'R'],
      [`${row}PerceivedSeverity`, 'string', severity, 'R'],
      [`${row}ReportingMechanism`, 'string', mechanism, 'W'],
    ];
  });
}

export const faultRows: readonly Row[] = [
  ['Device.FaultMgmt.SupportedAlarmNumberOfEntries', 'unsignedInt', String(supported.length), 'R'],
  ['Device.FaultMgmt.MaxCurrentAlarmEntries', 'unsignedInt', '64', 'R'],
  ['Device.FaultMgmt.CurrentAlarmNumberOfEntries', 'unsignedInt', '0', 'R'],
  ['Device.FaultMgmt.HistoryEventNumberOfEntries', 'unsignedInt', String(ringSize), 'R'],
  ['Device.FaultMgmt.ExpeditedEventNumberOfEntries', 'unsignedInt', String(ringSize), 'R'],
  ['Device.FaultMgmt.QueuedEventNumberOfEntries', 'unsignedInt', String(ringSize), 'R'],
  ...supportedRows(),
  ...ring('ExpeditedEvent'),
  ...ring('QueuedEvent'),
  ...ring('HistoryEvent'),
];

/** A row of CurrentAlarm: the device's own, which no ACS adds or deletes. */
export const currentAlarmRows: readonly Row[] = [
  ['AlarmIdentifier', 'string', '', 'R'],
  ['AlarmRaisedTime', 'dateTime', unknownTime, 'R'],
  ['AlarmChangedTime', 'dateTime', unknownTime, 'R'],
  ...alarmText.map((text): Row => [text, 'string', '', 'R']),
  ['AdditionalText', 'string', '', 'R'],
  ['AdditionalInformation', 'string', '', 'R'],
];
