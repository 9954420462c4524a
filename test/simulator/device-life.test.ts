import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Alarm, alarm, restartIfAsked, takeScheduled } from '../../src/simulator/device-life.ts';
import { createFemtocell, deviceIdOf } from '../../src/simulator/femtocell.ts';
import { instancesOf, listParameters } from '../../src/simulator/parameter-tree.ts';
import { answerRequest } from '../../src/simulator/rpc-answers.ts';
import { readXml } from '../../src/simulator/xml-tree.ts';

const at = new Date('2026-05-04T10:00:00Z');
const later = (seconds: number): Date => new Date(at.getTime() + seconds * 1000);

const newCell = (options: object = {}) => {
  const deviceId = deviceIdOf('00a0bc123456.hnb.acme.example', 'Acme');
  return createFemtocell({ url: 'https://acs.example/', ca: '', deviceId, ...options });
};

function ask(cell: ReturnType<typeof newCell>, method: string, body: string): string {
  const read = readXml(`<r>${body}</r>`);
  assert.ok(read.ok, JSON.stringify(read));
  return answerRequest(cell.state, method, read.root, at);
}

const codesOf = ({ state }: ReturnType<typeof newCell>): string[] =>
  state.pendingEvents.map(({ eventCode }) => eventCode);

describe('ScheduleInform', () => {
  test('is kept for as long as it says, each under its key; a delay of nothing is refused', () => {
    const cell = newCell();
    assert.match(ask(cell, 'ScheduleInform', '<DelaySeconds>0</DelaySeconds><CommandKey/>'), /9003/);
    ask(cell, 'ScheduleInform', '<DelaySeconds>60</DelaySeconds><CommandKey>late</CommandKey>');
    ask(cell, 'ScheduleInform', '<DelaySeconds>30</DelaySeconds><CommandKey>early</CommandKey>');
    assert.equal(takeScheduled(cell, later(29)), 0);
    assert.deepEqual(codesOf(cell), []);
    assert.equal(takeScheduled(cell, later(30)), 1);
    assert.deepEqual(cell.state.pendingEvents, [
      { eventCode: '3 SCHEDULED', commandKey: '' },
      { eventCode: 'M ScheduleInform', commandKey: 'early' },
    ]);
    assert.equal(takeScheduled(cell, later(61)), 1);
    assert.equal(takeScheduled(cell, later(99)), 0);
  });
});

describe('a reboot', () => {
  test('takes its time, and is told when it is over; a reset forgets what was scheduled', async () => {
    const cell = newCell({ rebootMs: 150 });
    ask(cell, 'Reboot', '<CommandKey>k</CommandKey>');
    const before = Date.now();
    const over = restartIfAsked(cell);
    assert.deepEqual(codesOf(cell), [], 'it is not back yet');
    await over;
    assert.deepEqual(codesOf(cell), ['1 BOOT', 'M Reboot']);
    assert.ok(cell.state.bootedAt.getTime() - before >= 145);
    ask(cell, 'ScheduleInform', '<DelaySeconds>60</DelaySeconds><CommandKey/>');
    ask(cell, 'FactoryReset', '');
    await restartIfAsked(cell);
    assert.equal(takeScheduled(cell, later(99)), 0);
    assert.equal(cell.state.bootstrapped, false);
  });
});

const fault = 'Device.FaultMgmt.';

describe('FaultMgmt', () => {
  const fire: Alarm = {
    ...{ identifier: '17', managedObjectInstance: 'DC=hems.example', eventType: 'Equipment Alarm' },
    ...{ probableCause: 'Fire', severity: 'Critical', text: 'it burns' },
  };
  const value = (cell: ReturnType<typeof newCell>, name: string): string | undefined =>
    cell.state.tree.get(fault + name)?.value;

  test('an alarm stands among the current ones until it is cleared, and in the ring that the ACS chose for its kind', () => {
    const cell = newCell();
    const watch = `<ParameterList><s><Name>${fault}ExpeditedEvent.</Name><NotificationChange>1</NotificationChange>
      <Notification>2</Notification><AccessListChange>0</AccessListChange><AccessList/></s></ParameterList>`;
    assert.match(ask(cell, 'SetParameterAttributes', watch), /SetParameterAttributesResponse/);
    assert.equal(alarm(cell, fire, 'NewAlarm'), true, 'told at once');
    assert.deepEqual(
      [value(cell, 'CurrentAlarmNumberOfEntries'), value(cell, 'CurrentAlarm.1.ProbableCause')],
      ['1', 'Fire'],
    );
    assert.equal(value(cell, 'ExpeditedEvent.1.NotificationType'), 'NewAlarm');
    assert.equal(value(cell, 'HistoryEvent.1.AlarmIdentifier'), '17');
    const heat = {
      ...fire,
      identifier: '18',
      eventType: 'Environmental Alarm',
      probableCause: 'Temperature Unacceptable',
    };
    assert.equal(alarm(cell, heat, 'NewAlarm'), false, 'queued');
    assert.equal(value(cell, 'QueuedEvent.1.AlarmIdentifier'), '18');
    alarm(cell, fire, 'ClearedAlarm');
    assert.equal(value(cell, 'CurrentAlarmNumberOfEntries'), '1');
    assert.equal(value(cell, 'ExpeditedEvent.2.PerceivedSeverity'), 'Cleared');
    const disabled = `<ParameterList><s><Name>${fault}SupportedAlarm.2.ReportingMechanism</Name>
      <Value>3 Disabled</Value></s></ParameterList><ParameterKey/>`;
    assert.match(ask(cell, 'SetParameterValues', disabled), /SetParameterValuesResponse/);
    assert.equal(alarm(cell, { ...fire, identifier: '19' }, 'NewAlarm'), false);
    assert.equal(value(cell, 'CurrentAlarmNumberOfEntries'), '1');
  });

  test('no ACS adds to the alarms or deletes from them, but to the tables that are its own', () => {
    const cell = newCell();
    alarm(cell, fire, 'NewAlarm');
    assert.match(ask(cell, 'AddObject', `<ObjectName>${fault}CurrentAlarm.</ObjectName>`), /9005/);
    assert.match(ask(cell, 'DeleteObject', `<ObjectName>${fault}CurrentAlarm.1.</ObjectName>`), /9005/);
    const lte = 'Device.Services.FAPService.1.CellConfig.LTE.';
    const tables = [
      ...[`${lte}EPC.PLMNList.`, `${lte}EPC.QoS.`, `${lte}RAN.NeighborList.LTECell.`],
      ...[
        `${lte}RAN.NeighborList.InterRATCell.UMTS.`,
        'Device.FAP.PerfMgmt.Config.',
        'Device.FAP.Tunnel.CryptoProfile.',
      ],
      'Device.Services.FAPService.1.AccessMgmt.UMTS.MemberDetail.',
    ];
    for (const table of tables) {
      assert.match(ask(cell, 'AddObject', `<ObjectName>${table}</ObjectName>`), /<InstanceNumber>1</, table);
      assert.deepEqual(instancesOf(cell.state.tree, table), [1]);
      assert.match(ask(cell, 'DeleteObject', `<ObjectName>${table}1.</ObjectName>`), /DeleteObjectResponse/);
    }
    const counter = 'Device.FAP.PerfMgmt.ConfigNumberOfEntries';
    ask(cell, 'AddObject', '<ObjectName>Device.FAP.PerfMgmt.Config.</ObjectName>');
    assert.equal(cell.state.tree.get(counter)?.value, '1');
    const writable = new Map(
      (listParameters(cell.state.tree, 'Device.', false) ?? []).map((one) => [one.name, one.writable]),
    );
    assert.equal(writable.get(`${fault}CurrentAlarm.1.`), false);
    assert.equal(writable.get('Device.FAP.PerfMgmt.Config.1.'), true);
    assert.equal(writable.get(`${fault}SupportedAlarm.1.ReportingMechanism`), true);
  });

  test('the tree has what TR-196, TR-262 and TR-181 give a femtocell, each of its type', () => {
    const { tree } = newCell().state;
    assert.ok(tree.size > 250, `${tree.size} parameters`);
    for (const branch of ['REM.LTE.', 'Transport.SCTP.', 'FAPControl.LTE.Gateway.', 'CellConfig.LTE.RAN.PHY.'])
      assert.ok(
        [...tree.keys()].some((name) => name.startsWith(`Device.Services.FAPService.1.${branch}`)),
        branch,
      );
    for (const branch of ['FAP.GPS.', 'FAP.Tunnel.', 'FAP.PerfMgmt.', 'IPsec.', 'IP.', 'Time.'])
      assert.ok(
        [...tree.keys()].some((name) => name.startsWith(`Device.${branch}`)),
        branch,
      );
    const lexical = { boolean: /^[01]$/, unsignedInt: /^\d+$/, int: /^-?\d+$/, dateTime: /^\d{4}-.*Z$/, string: /^/ };
    for (const [name, { type, value }] of tree) assert.match(value, lexical[type], name);
  });
});
