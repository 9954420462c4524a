import { currentAlarmRows } from './femtocell-faults.ts';
import type { Row } from './parameter-tree.ts';

interface Table {
  readonly pattern: RegExp;
  /** What a new row holds. */
  readonly rows: readonly Row[];
  /** Rows come and go with what happens to the device; no ACS adds or deletes any. */
  readonly own?: true;
}

/** Tables whose rows come and go. */
export const modelObjects: readonly Table[] = [
  {
    pattern: /^Device\.Services\.FAPService\.\d+\.CellConfig\.LTE\.RAN\.NeighborList\.LTECell\.$/,
    rows: [
      ['Enable', 'boolean', '0', 'W'],
      ['PLMNID', 'string', '', 'W'],
      ['MustInclude', 'boolean', '0', 'W'],
      ['CID', 'unsignedInt', '0', 'W'],
      ['EUTRACarrierARFCN', 'unsignedInt', '0', 'W'],
      ['PhyCellID', 'unsignedInt', '0', 'W'],
      ['QOffset', 'int', '0', 'W'],
      ['CIO', 'int', '0', 'W'],
      ['RSTxPower', 'int', '0', 'W'],
      ['Blacklisted', 'boolean', '0', 'W'],
    ],
  },
  {
    pattern: /^Device\.Services\.FAPService\.\d+\.CellConfig\.LTE\.EPC\.PLMNList\.$/,
    rows: [
      ['Enable', 'boolean', '0', 'W'],
      ['IsPrimary', 'boolean', '0', 'W'],
      ['PLMNID', 'string', '', 'W'],
      ['CellReservedForOperatorUse', 'boolean', '0', 'W'],
    ],
  },
  {
    pattern: /^Device\.FAP\.PerfMgmt\.Config\.$/,
    rows: [
      ['Enable', 'boolean', '0', 'W'],
      ['URL', 'string', '', 'W'],
      ['Username', 'string', '', 'W'],
      ['Password', 'string', '', 'W'],
      ['PeriodicUploadInterval', 'unsignedInt', '900', 'W'],
      ['PeriodicUploadTime', 'dateTime', '0001-01-01T00:00:00Z', 'W'],
    ],
  },
  {
    pattern: /^Device\.Services\.FAPService\.\d+\.CellConfig\.LTE\.RAN\.NeighborList\.InterRATCell\.UMTS\.$/,
    rows: [
      ['Enable', 'boolean', '0', 'W'],
      ['MustInclude', 'boolean', '0', 'W'],
      ['PLMNID', 'string', '', 'W'],
      ['RNCID', 'unsignedInt', '0', 'W'],
      ['CID', 'unsignedInt', '0', 'W'],
      ['UARFCNDL', 'unsignedInt', '0', 'W'],
      ['PCPICHScramblingCode', 'unsignedInt', '0', 'W'],
    ],
  },
  {
    pattern: /^Device\.Services\.FAPService\.\d+\.CellConfig\.LTE\.EPC\.QoS\.$/,
    rows: [
      ['Enable', 'boolean', '0', 'W'],
      ['QCI', 'unsignedInt', '9', 'W'],
      ['Type', 'string', 'Non-GBR', 'W'],
      ['Priority', 'unsignedInt', '9', 'W'],
      ['PacketDelayBudget', 'unsignedInt', '300', 'W'],
    ],
  },
  {
    pattern: /^Device\.Services\.FAPService\.\d+\.AccessMgmt\.(?:UMTS|LTE)\.MemberDetail\.$/,
    rows: [
      ['Enable', 'boolean', '0', 'W'],
      ['IMSI', 'string', '', 'W'],
      ['MSISDN', 'string', '', 'W'],
    ],
  },
  {
    pattern: /^Device\.FAP\.Tunnel\.CryptoProfile\.$/,
    rows: [
      ['Enable', 'boolean', '0', 'W'],
      ['AuthMethod', 'string', 'IKEv2 RSA Certificate', 'W'],
      ['MaxChildSA', 'unsignedInt', '1', 'W'],
    ],
  },
  { pattern: /^Device\.FaultMgmt\.CurrentAlarm\.$/, rows: currentAlarmRows, own: true },
];
