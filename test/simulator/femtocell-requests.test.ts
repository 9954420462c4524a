import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runSession } from '../../src/simulator/cwmp-session.ts';
import { createFemtocell, type Femtocell } from '../../src/simulator/femtocell.ts';
import { acsEnvelope, idOf, informResponse, noContent, type Reply, type Seen } from './fake-acs.ts';
import { cell, start } from './femtocells.ts';

describe('the ACS turn', () => {
  /** Informs, then puts each request to the device in turn; collects its answers. */
  async function ask(
    requests: readonly string[],
    device?: Femtocell,
  ): Promise<{ answers: string[]; device: Femtocell; report: Awaited<ReturnType<typeof runSession>> }> {
    const answers: string[] = [];
    let next = 0;
    const acs = await start((seen: Seen): Reply => {
      if (seen.body.includes(':Inform>')) return informResponse(seen.body);
      if (seen.body.includes('cwmp:TransferComplete>'))
        return acsEnvelope('<c:TransferCompleteResponse/>', idOf(seen.body));
      if (seen.body !== '') answers.push(seen.body);
      const request = requests[next++];
      return request === undefined ? noContent : acsEnvelope(request, `task-${next}`);
    });
    const asked = device === undefined ? await cell(acs) : createFemtocell({ ...device.options, url: acs.url });
    if (device !== undefined) Object.assign(asked, { state: device.state });
    return { report: await runSession(asked), answers, device: asked };
  }

  test('answers with the ID it was asked under', async () => {
    const { answers, report } = await ask(['<c:GetRPCMethods/>']);
    assert.equal(report.complete, true);
    assert.deepEqual(report.answered, ['GetRPCMethods']);
    assert.equal(idOf(answers[0] ?? ''), 'task-1');
    assert.match(answers[0] ?? '', /<string>GetParameterValues<\/string>/);
  });

  test('reads a value, a subtree, and faults a name it does not have', async () => {
    const get = (name: string): string =>
      `<c:GetParameterValues><ParameterNames><string>${name}</string></ParameterNames></c:GetParameterValues>`;
    const { answers } = await ask(['Device.DeviceInfo.SerialNumber', 'Device.DeviceInfo.', 'Device.Nothing'].map(get));
    assert.match(answers[0] ?? '', /ParameterValueStruct\[1\].*<Value xsi:type="xsd:string">00A0BC123456</s);
    assert.match(answers[1] ?? '', /ParameterValueStruct\[11\]/);
    assert.match(answers[2] ?? '', /<FaultCode>9005</);
  });

  test('lists names one level down', async () => {
    const { answers } = await ask([
      '<c:GetParameterNames><ParameterPath>Device.</ParameterPath><NextLevel>1</NextLevel></c:GetParameterNames>',
    ]);
    const names = (answers[0] ?? '').match(/(?<=<Name>)[^<]+/g);
    assert.deepEqual(names?.sort(), [
      'Device.DeviceInfo.',
      'Device.Ethernet.',
      'Device.FAP.',
      'Device.FaultMgmt.',
      'Device.IP.',
      'Device.IPsec.',
      'Device.ManagementServer.',
      'Device.RootDataModelVersion',
      'Device.Security.',
      'Device.Services.',
      'Device.Time.',
    ]);
  });

  test('sets all values or none', async () => {
    const set = (values: Record<string, string>, key: string): string =>
      `<c:SetParameterValues><ParameterList>${Object.entries(values)
        .map(
          ([name, value]) => `<ParameterValueStruct><Name>${name}</Name><Value>${value}</Value></ParameterValueStruct>`,
        )
        .join('')}</ParameterList><ParameterKey>${key}</ParameterKey></c:SetParameterValues>`;
    const tac = 'Device.Services.FAPService.1.CellConfig.LTE.EPC.TAC';
    const interval = 'Device.ManagementServer.PeriodicInformInterval';
    const { answers, device } = await ask([
      set({ [tac]: '77', [interval]: 'often' }, 'k1'),
      set({ [tac]: '77', [interval]: '60' }, 'k2'),
    ]);
    assert.match(
      answers[0] ?? '',
      /<FaultCode>9003<.*<SetParameterValuesFault><ParameterName>[^<]*Interval<.*<FaultCode>9007</s,
    );
    assert.match(answers[1] ?? '', /<Status>0</);
    assert.equal(device.state.tree.get(tac)?.value, '77');
    assert.equal(device.state.tree.get('Device.ManagementServer.ParameterKey')?.value, 'k2');
  });

  test('what it does not know is fault 9000, whatever its name', async () => {
    const { answers } = await ask(['<c:X_00D09E_Sing/>', '<c:toString/>', '<c:constructor/>']);
    assert.equal(answers.length, 3);
    for (const answer of answers) assert.match(answer, /<FaultCode>9000</);
  });

  test('after a Reboot and a Download the next session says so, and completes the transfer', async () => {
    const { device } = await ask([
      '<c:Reboot><CommandKey>r&amp;1</CommandKey></c:Reboot>',
      '<c:Download><CommandKey>d1</CommandKey><FileType>2 Web Content</FileType><URL>https://files.example/f</URL></c:Download>',
    ]);
    assert.deepEqual(
      device.state.pendingEvents.map(({ eventCode, commandKey }) => [eventCode, commandKey]),
      [
        ['7 TRANSFER COMPLETE', ''],
        ['M Download', 'd1'],
        // When the session is over, not before.
        ['1 BOOT', ''],
        ['M Reboot', 'r&1'],
      ],
    );
    const { report, device: later } = await ask([], device);
    assert.equal(report.complete, true);
    assert.deepEqual([later.state.pendingEvents, later.state.transfers], [[], []]);
  });

  test('calls GetRPCMethods of the ACS when asked to', async () => {
    const acs = await start(({ body }) => {
      if (body.includes('GetRPCMethods'))
        return acsEnvelope(
          '<c:GetRPCMethodsResponse><MethodList><string>Inform</string></MethodList></c:GetRPCMethodsResponse>',
          idOf(body),
        );
      return body === '' ? noContent : informResponse(body);
    });
    const report = await runSession(await cell(acs), { calls: ['GetRPCMethods'] });
    assert.deepEqual([report.statuses, report.violations], [[200, 200, 204], []]);
  });
});

describe('held requests', () => {
  test('wait for the ACS to have had its turn', async () => {
    const hold = '<c:HoldRequests soap:mustUnderstand="1">1</c:HoldRequests>';
    const kinds: string[] = [];
    const acs = await start(({ body }) => {
      kinds.push(/<cwmp:(?!ID)(\w+)/.exec(body)?.[1] ?? 'empty');
      if (kinds.length === 1) return informResponse(body, undefined, hold);
      if (kinds.length === 2) return acsEnvelope('<c:GetRPCMethods/>', 'task', undefined, hold);
      return body.includes('<cwmp:GetRPCMethods/>') ? acsEnvelope('<c:GetRPCMethodsResponse/>', idOf(body)) : noContent;
    });
    const report = await runSession(await cell(acs), { calls: ['GetRPCMethods'] });
    assert.deepEqual(kinds, ['Inform', 'empty', 'GetRPCMethodsResponse', 'GetRPCMethods', 'empty']);
    assert.deepEqual([report.complete, report.violations], [true, []]);
  });
});
