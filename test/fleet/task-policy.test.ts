import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isPersonal, isSecret, maskedValue } from '../../src/fleet/secret-parameters.ts';
import { maskedSoap } from '../../src/fleet/soap-masking.ts';
import { keyOf, type TaskRequest, taskOfKey } from '../../src/fleet/task.ts';
import { refusalOf } from '../../src/fleet/task-policy.ts';
import { parseTaskRequest, taskKinds } from '../../src/fleet/task-request-schema.ts';
import { retryOf } from '../../src/fleet/task-retry.ts';

const off = { connectionRequest: 'off' } as const;
const write = (name: string, value: string): TaskRequest => ({ kind: 'write-values', values: [{ name, value }] });
const refused = (request: TaskRequest, policy: { connectionRequest: 'off' | 'digest' } = off) =>
  refusalOf(request, policy)?.reason;

describe('a write that breaks the profile is refused before it is queued', () => {
  const cases: [string, string, ReturnType<typeof refused>][] = [
    ['Device.ManagementServer.URL', 'http://hems.example/', 'not_https'],
    ['Device.ManagementServer.URL', 'HTTPS://hems.example/cwmp', undefined],
    ['InternetGatewayDevice.ManagementServer.URL', 'ftp://hems.example/', 'not_https'],
    ['device.managementserver.url', 'http://hems.example/', 'not_https'],
    ['Device.ManagementServer.URL', 'https://user:word@hems.example/', 'shared_secret'],
    ['Device.ManagementServer.URL', '', 'not_https'],
    ['Device.FAP.PerfMgmt.Config.1.URL', 'http://files.example/', 'not_https'],
    ['Device.FAP.PerfMgmt.Config.[cpe-1].URL', 'http://files.example/', 'not_https'],
    ['Device.FAP.PerfMgmt.Config.1.URL', 'https://files.example/', undefined],
    ['Device.FAP.PerfMgmt.Config.1.Password', 'x', 'shared_secret'],
    ['Device.FAP.PerfMgmt.Config.1.Password', '', undefined],
    ['Device.ManagementServer.Username', 'x', 'shared_secret'],
    ['Device.ManagementServer.Password', 'x', 'shared_secret'],
    ['Device.ManagementServer.Password', '', undefined],
    ['Device.ManagementServer.ConnectionRequestPassword', 'x', 'shared_secret'],
    ['Device.Services.FAPService.1.FAPControl.EnclosureTamperingDetected', '0', 'read_only'],
    ['Device.Services.FAPService.1.FAPControl.LTE.AdminState', '1', undefined],
    ['Device.X.', '1', 'invalid'],
    ['Device X', '1', 'invalid'],
    ['Device.X', 'a\u0000b', 'invalid'],
  ];
  for (const [name, value, reason] of cases)
    test(`${name} = ${JSON.stringify(value)}: ${reason ?? 'may be'}`, () => {
      assert.equal(refused(write(name, value)), reason);
    });

  test('the password of connection requests, unless the configuration has them by digest', () => {
    const wish = write('Device.ManagementServer.ConnectionRequestPassword', 'x');
    assert.equal(refused(wish, { connectionRequest: 'digest' }), undefined);
  });

  test('transfers without https, with credentials, or of no file type', () => {
    const file = { kind: 'download', fileType: '1 Firmware Upgrade Image', url: 'https://f.example/i' } as const;
    assert.equal(refused(file), undefined);
    assert.equal(refused({ ...file, url: 'http://f.example/i' }), 'not_https');
    assert.equal(refused({ ...file, url: 'https://a:b@f.example/i' }), 'shared_secret');
    assert.equal(refused({ ...file, password: 'x' }), 'shared_secret');
    assert.equal(refused({ ...file, kind: 'upload', username: 'x' }), 'shared_secret');
    assert.equal(refused({ ...file, fileType: 'Firmware' }), 'invalid');
    assert.equal(refused({ ...file, kind: 'schedule-download', windows: [], url: 'ftp://f.example/i' }), 'not_https');
    const install = { operation: 'Install', url: 'http://f.example/m' } as const;
    assert.equal(refused({ kind: 'change-du-state', operations: [install] }), 'not_https');
    assert.equal(
      refused({ kind: 'change-du-state', operations: [{ ...install, url: 'https://f.example/', password: 'x' }] }),
      'shared_secret',
    );
  });

  test('a parameter given twice, too many at once, objects that are none', () => {
    const values = [
      { name: 'Device.A', value: '1' },
      { name: 'Device.A', value: '2' },
    ];
    assert.equal(refused({ kind: 'write-values', values }), 'invalid');
    assert.equal(refused({ kind: 'read-values', paths: [] }), 'invalid');
    assert.equal(refused({ kind: 'read-values', paths: Array.from({ length: 1001 }, () => 'Device.') }), 'invalid');
    assert.equal(refused({ kind: 'add-object', object: 'Device.T' }), 'invalid');
    assert.equal(refused({ kind: 'add-object', object: 'Device.T.[cpe-1].' }), undefined);
  });
});

describe('a wish as it is written', () => {
  test('each kind is read, and what is wrong is named', () => {
    assert.equal(taskKinds.length, 20);
    assert.deepEqual(parseTaskRequest({ kind: 'reboot' }), { ok: true, request: { kind: 'reboot' } });
    const wrong = parseTaskRequest({ kind: 'read-values', paths: 7 });
    assert.ok(!wrong.ok && wrong.message.startsWith('paths: '));
    assert.equal(parseTaskRequest({ kind: 'reboot', now: true }).ok, false);
    assert.equal(parseTaskRequest(null).ok, false);
  });
});

describe('keys of attempts', () => {
  test('are short, of the task and of the attempt, and read back in any case', () => {
    const id = '019ac1de-7000-7123-8abc-ffffffffffff';
    const key = keyOf(id, 12);
    assert.ok(key.length <= 32);
    assert.deepEqual(taskOfKey(key.toUpperCase()), { taskId: id, attempt: 12 });
    assert.notEqual(keyOf(id, 1), keyOf(id, 2));
    for (const other of ['', 'task 9', 'zzzzzzzzzzzzzzzzzzzzzzzzz.1', `${key}x`])
      assert.equal(taskOfKey(other), undefined);
  });
});

describe('faults', () => {
  test('that pass are tried again, ever later; all others are final', () => {
    assert.deepEqual(retryOf(9002, 1), { kind: 'again', afterSeconds: 60 });
    assert.deepEqual(retryOf(9010, 3), { kind: 'again', afterSeconds: 3600 });
    assert.deepEqual(retryOf(9002, 4), { kind: 'give-up' });
    for (const code of [9000, 9001, 9003, 9005, 9006, 9007, 9008, 9009, 9012, 9013, 9018, 9019, 9800, 1, 8003])
      assert.deepEqual(retryOf(code, 1), { kind: 'give-up' }, String(code));
  });
});

describe('what nobody reads by the way', () => {
  test('passwords, keys and subscribers, by the end of the name', () => {
    for (const name of [
      'Device.ManagementServer.Password',
      'Device.WiFi.AccessPoint.1.Security.PreSharedKey',
      'X.SimPIN',
    ])
      assert.equal(isSecret(name), true, name);
    for (const name of ['Device.S.FAPService.1.AccessMgmt.UMTS.AccessControlList', 'A.MemberDetail.3.IMSI', 'A.MSISDN'])
      assert.equal(isPersonal(name), true, name);
    for (const name of ['Device.ManagementServer.ParameterKey', 'Device.X.Mapping', 'Device.Password.Length'])
      assert.equal(isSecret(name) || isPersonal(name), false, name);
    assert.equal(maskedValue('A.IMSI', ''), '');
    assert.equal(maskedValue('A.IMSI', '00101'), '(masked)');
  });

  test('is masked in a trace, whatever the prefixes and the order', () => {
    const struct = (inner: string): string => `<ParameterValueStruct>${inner}</ParameterValueStruct>`;
    const xml = [
      struct('<Name>Device.A.IMSI</Name><Value xsi:type="xsd:string">001010123456789</Value>'),
      struct('<Value>secret1</Value>\n<Name> Device.B.Password </Name>'),
      '<n:ParameterValueStruct><n:Name>Device.C.PreSharedKey</n:Name><n:Value><![CDATA[secret2]]></n:Value></n:ParameterValueStruct>',
      struct('<Name>Device.D</Name><Value>shown</Value>'),
      '<Username>name</Username><Password>secret3</Password>',
      '<ParameterValueStruct><Name>Device.E.Password</Name><Value>secret4 is cut of',
    ].join('');
    const masked = maskedSoap(xml);
    assert.doesNotMatch(masked, /0010101|secret\d|>name</);
    assert.match(masked, /Device\.D<\/Name><Value>shown</);
    assert.equal(masked.match(/\(masked\)/g)?.length, 6);
  });

  test('is masked however the name is written, and where a message was cut before it', () => {
    const masked = maskedSoap(
      [
        '<ParameterValueStruct><Name><![CDATA[Device.A.Password]]></Name><Value>secret1</Value></ParameterValueStruct>',
        '<ParameterValueStruct><Name>Device.B.Pass&#119;or&#x64;</Name><Value>secret2</Value></ParameterValueStruct>',
        '<ParameterValueStruct><Name>Device.C.Pass<!-- -->word</Name><Value>secret3</Value></ParameterValueStruct>',
        '<ParameterValueStruct><Name>Device.D</Name><Value>shown</Value></ParameterValueStruct >',
        '<ParameterValueStruct><Name>Device.E.IMSI</Name><Value>secret4</Value ></ParameterValueStruct>',
        '<Password><![CDATA[secret5]]></Password><Password></Password>',
        '<ParameterValueStruct><Value>secret6</Value><Name>Device.F.Pass',
      ].join(''),
    );
    assert.doesNotMatch(masked, /secret\d/);
    assert.match(masked, /Device\.D<\/Name><Value>shown</);
    assert.equal(masked.match(/\(masked\)/g)?.length, 6);
  });

  test('and hostile text takes no time', () => {
    const hostile = '<ParameterValueStruct><Name>'.repeat(2000) + '<Value>'.repeat(2000) + ' '.repeat(10_000);
    const started = process.cpuUsage();
    maskedSoap(hostile.slice(0, 65_536));
    for (const one of ['<Password>', '<ParameterValueStruct><Name>', '<Name>', '<Value>', '&#1;', '<!--'])
      maskedSoap(`<ParameterValueStruct>${one.repeat(65_536 / one.length)}`);
    const { user } = process.cpuUsage(started);
    assert.ok(user < 2_000_000, `${user} µs`);
  });
});
