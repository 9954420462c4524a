import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { runSession } from '../../src/simulator/cwmp-session.ts';
import type { RequestCourse } from '../../src/simulator/session-report.ts';
import { envelopeXml } from '../../src/simulator/soap-writer.ts';
import { cleanup } from '../support/cleanup.ts';
import { type Conversation, informOf, openConversation } from './conversation.ts';
import { metric, until } from './evidence.ts';
import { applyPolicy, crlOf, importCrls, revoked } from './revoking.ts';
import { type Stage, withStage } from './stage.ts';
import { type TaskStage, taskStage } from './task-stage.ts';

const tac = 'Device.Services.FAPService.1.CellConfig.LTE.EPC.TAC';
const neighbours = 'Device.Services.FAPService.1.CellConfig.LTE.RAN.NeighborList.LTECell.';

const head = (length: number): string =>
  `POST /cwmp HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: ${length}\r\n\r\n`;

/** Half of a message, and no more. */
function half(to: Conversation, xml: string): void {
  to.socket.write(head(Buffer.byteLength(xml)) + xml.slice(0, xml.length / 2));
}

const values = envelopeXml({
  version: '1.2',
  id: 'x',
  body: '<cwmp:GetParameterValuesResponse><ParameterList/></cwmp:GetParameterValuesResponse>',
});

/** How far a device comes before it is gone. */
const steps: Readonly<Record<string, (to: Conversation, on: TaskStage) => Promise<unknown>>> = {
  'the handshake': () => turn(),
  'half of its Inform': async (to, { cell }) => half(to, informOf(cell)),
  'its Inform, without waiting for the answer': async (to) => void to.inform(),
  InformResponse: (to) => to.inform(),
  'the empty POST, without waiting for the answer': async (to) => {
    await to.inform();
    void to.post('');
  },
  'the request of the ACS': async (to) => {
    await to.inform();
    await to.post('');
  },
  'half of its answer': async (to) => {
    await to.inform();
    await to.post('');
    half(to, values);
  },
};

async function forgotten(stage: Stage): Promise<void> {
  const open = () => metric(stage.metrics, 'hems_southbound_connections');
  await until(open, (count) => count === 0, 'every connection is forgotten', 20_000);
}

describe('a session that is cut', { timeout: 120_000 }, () => {
  test('by a device that is gone at any step: nothing is left open, and the next session is whole', async (t) => {
    const stage = await withStage(t);
    const on = await taskStage(stage);
    for (const [step, go] of Object.entries(steps)) {
      const { id } = await on.add({ kind: 'read-values', paths: [tac] });
      const conversation = await openConversation(stage, on.cell);
      await go(conversation, on);
      await turn();
      conversation.hangUp();
      await forgotten(stage);
      const report = await on.session();
      assert.deepEqual([report.complete, await on.state(id)], [true, 'done'], step);
    }
  });

  test('by a client that vanishes without a FIN, wherever it is: its place is free again in its time', async (t) => {
    const stage = await withStage(t, {
      config: { limits: { idleTime: '200ms', bodyTime: '500ms', headerTime: '500ms' } },
    });
    const on = await taskStage(stage);
    const pathways = await Promise.all(Object.keys(steps).map(() => pathway(t, stage.port())));
    const { id } = await on.add({ kind: 'read-values', paths: [tac] });
    for (const [index, go] of Object.values(steps).entries()) {
      const path = pathways[index];
      assert.ok(path !== undefined);
      const conversation = await openConversation({ ...stage, port: () => path.port }, on.cell);
      cleanup(t, () => conversation.hangUp());
      await go(conversation, on);
      await turn();
      path.vanish();
    }
    await forgotten(stage);
    assert.equal((await on.session()).complete, true);
    assert.equal(await on.state(id), 'done');
  });

  test('by a revocation: what it has completed stays done, what is open waits for a certificate that stands', async (t) => {
    const stage = await withStage(t);
    await applyPolicy(stage, [{ name: 'acme', sources: [{ kind: 'uploaded-crl' }] }]);
    await importCrls(stage, await crlOf(stage, 'acme-root', []), await crlOf(stage, 'acme-issuing', []));
    const on = await taskStage(stage);
    const read = await on.add({ kind: 'read-values', paths: [tac] });
    const added = await on.add({ kind: 'add-object', object: neighbours });
    const reboot = await on.add({ kind: 'reboot' });
    const behind = await on.add({ kind: 'get-methods' });
    const report = await on.session({
      onRequest: async (method): Promise<RequestCourse> => {
        // The CRL comes in while the device has the request in its hands; it carries it out and finds nobody to tell.
        if (method === 'Reboot') {
          await importCrls(stage, await crlOf(stage, 'acme-issuing', [revoked(on.cell)]));
          await forgotten(stage);
        }
        return 'answer';
      },
    });
    assert.equal(report.complete, false);
    const states = async () => Promise.all([read, added, reboot, behind].map(({ id }) => on.state(id)));
    assert.deepEqual(await states(), ['done', 'done', 'sent', 'queued']);
    assert.equal(await on.value(tac), '1');
    const refused = await runSession(on.cell);
    assert.deepEqual([refused.informed, refused.statuses], [false, []]);
    assert.deepEqual(await states(), ['done', 'done', 'sent', 'queued']);

    // A person takes it off the list: the device is let in again, and tells what became of the reboot.
    await importCrls(stage, await crlOf(stage, 'acme-issuing', []));
    assert.equal((await on.session()).complete, true);
    assert.deepEqual(await states(), ['done', 'done', 'done', 'done']);
    assert.equal(on.cell.state.deeds.filter((deed) => deed.startsWith('AddObject')).length, 1);
  });
});

/** A stretch of network on the way to a port, which may fall silent: not even a FIN goes through from then on. */
async function pathway(t: TestContext, to: number): Promise<{ readonly port: number; vanish(): void }> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = createConnection({ port: to, host: '127.0.0.1', allowHalfOpen: true });
    for (const socket of [near, far]) socket.on('error', () => undefined);
    sockets.push(near, far);
    near.pipe(far);
    far.pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup(t, () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    vanish: () => {
      for (const socket of sockets) socket.unpipe().pause();
    },
  };
}
