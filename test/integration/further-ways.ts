/** Ways to be refused that the demo does not show, each reason that is left with at least one. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { createFemtocell, deviceIdOf, type FemtocellOptions } from '../../src/simulator/femtocell.ts';
import { stage as dress, type Props, perform, type Role, role } from '../../src/simulator/scenarios/cast.ts';
import type { RefusalReason } from '../../src/trust/refusal.ts';
import type { TestDatabase } from '../support/database.ts';
import { httpRequest, sayOverTls, sayPlainly, wire } from './clients.ts';
import type { AuditRow } from './evidence.ts';
import { mintDevice } from './mint.ts';
import { fileDesk } from './file-stage.ts';
import { type Stage, withStage } from './stage.ts';
import { by } from './task-stage.ts';

/** What the audit says of a refusal: stage, reason, detail, peer, anchor. */
export type Verdict = readonly [
  stage: string,
  reason: RefusalReason,
  detail: string,
  peer: string,
  anchor: string | null,
];

export const verdictOf = (row: AuditRow): unknown[] => [row.stage, row.reason, row.detail, row.peer, row.anchor];

export function cellOptions(stage: Stage, device: Role, more: Partial<FemtocellOptions> = {}): FemtocellOptions {
  return {
    url: stage.context.doors.main,
    ca: stage.pki.operatorCa.pem,
    deviceId: deviceIdOf(device.identity, 'Acme Femto'),
    timeoutMs: 10_000,
    ...more,
  };
}

/** One more way, with a door of its own; answers the local port of the connection that is judged. */
export interface FurtherWay {
  readonly title: string;
  readonly verdict: Verdict;
  readonly run: (t: TestContext, database: TestDatabase) => Promise<{ stage: Stage; port: number }>;
}

/** A device of the register with a certificate that is wrong, at an ordinary door. */
const withCertificate =
  (props: Props): FurtherWay['run'] =>
  async (t, database) => {
    const stage = await withStage(t, { database });
    const seen = await perform(await dress(stage.context, await stage.known(), props));
    assert.deepEqual([seen.informed, seen.statuses], [false, []]);
    return { stage, port: seen.localPorts[0] ?? 0 };
  };

/** OpenSSL asks Netscape's old extension whether a certificate is for clients; RFC 5280 knows none such. */
const netscapeServerOnly = { oid: '2.16.840.1.113730.1.1', critical: false, value: Buffer.of(3, 2, 6, 0x40) };

export const furtherWays: readonly FurtherWay[] = [
  {
    title: 'the link to a file that was made for another device',
    verdict: ['session', 'file_refused', 'link_of_another_device', 'known', 'acme'],
    run: async (t, database) => {
      const stage = await withStage(t, { database });
      const [holder, thief] = [await stage.known(), await stage.known()];
      const { add, transfers } = fileDesk(stage.db);
      const file = await add(`image-${stage.port()}`, Buffer.from('an image'));
      const until = new Date(Date.now() + 3_600_000);
      const link = await transfers.link(await stage.deviceId(holder), file.id, until, by);
      assert.ok(link.ok);
      const cell = await dress(stage.context, thief);
      const bytes = httpRequest('GET', `/files/${link.transferId}`);
      const heard = await sayOverTls({ ...wire(stage, cell), bytes });
      assert.match(heard.bytes.toString('latin1'), /^HTTP\/1\.1 403 /);
      return { stage, port: heard.localPort };
    },
  },
  {
    title: 'the manufacturer’s identity of a device that has come with one of the operator’s',
    verdict: ['device', 'identity_superseded', 'enrolled_with_operator', 'known', 'acme'],
    run: async (t, database) => {
      const stage = await withStage(t, { database, anchors: { acme: { afterEnrolment: 'refuse' } } });
      const [first, own] = [role(stage.cast, 'acme'), role(stage.cast, 'operator')];
      await stage.enrol([{ identities: [first, own] }]);
      assert.equal((await perform(await dress(stage.context, own))).complete, true);
      const seen = await perform(await dress(stage.context, first));
      assert.deepEqual([seen.informed, seen.statuses], [false, []]);
      return { stage, port: seen.localPorts[0] ?? 0 };
    },
  },
  {
    title: 'a client that connects and says nothing',
    verdict: ['tls', 'handshake_timeout', 'no_client_hello', 'stranger', null],
    run: async (t, database) => {
      const stage = await withStage(t, { database, config: { limits: { handshakeTime: '300ms' } } });
      const heard = await sayPlainly(stage.port(), '');
      assert.deepEqual([heard.closedBy, heard.bytes.length], ['server', 0]);
      return { stage, port: heard.localPort };
    },
  },
  {
    title: 'a client that begins its ClientHello and leaves',
    verdict: ['tls', 'handshake_other', 'client_gave_up', 'stranger', null],
    run: async (t, database) => {
      const stage = await withStage(t, { database });
      const heard = await sayPlainly(stage.port(), Buffer.of(22, 3, 1, 2, 0, 1), { end: true });
      assert.equal(heard.bytes.length, 0);
      return { stage, port: heard.localPort };
    },
  },
  {
    title: 'an address that failed too often',
    verdict: ['tls', 'rate_limited', 'too_many_failures', 'stranger', null],
    run: async (t, database) => {
      const stage = await withStage(t, { database, config: { limits: { failuresPerAddress: 3 } } });
      for (let i = 0; i < 3; i += 1) await sayPlainly(stage.port(), 'GET / HTTP/1.1\r\n\r\n');
      const device = await stage.known();
      const seen = await perform(await dress(stage.context, device));
      assert.deepEqual([seen.informed, seen.statuses], [false, []]);
      return { stage, port: seen.localPorts[0] ?? 0 };
    },
  },
  {
    title: 'a CA’s certificate in the hands of a device',
    verdict: ['path', 'profile_violation', 'profile_rule', 'known', 'acme'],
    run: withCertificate({ faults: ['ca-true-leaf'] }),
  },
  {
    title: 'one CA more than the issuing CA may have below it',
    verdict: ['path', 'chain_untrusted', 'path_length', 'known', 'acme'],
    run: withCertificate({ faults: ['path-length'] }),
  },
  {
    title: 'a certificate that OpenSSL alone objects to',
    verdict: ['path', 'second_lock', 'openssl_invalid_purpose', 'known', 'acme'],
    run: async (t, database) => {
      const stage = await withStage(t, { database, config: { secondLock: 'enforce' } });
      const device = await stage.known();
      const credentials = await mintDevice(stage.pki, {
        subject: [['CN', 'cell']],
        alternative: [device.identity],
        extensions: [netscapeServerOnly],
      });
      const seen = await perform(createFemtocell(cellOptions(stage, device, { credentials })));
      return { stage, port: seen.localPorts[0] ?? 0 };
    },
  },
  {
    title: 'a certificate that names nobody',
    verdict: ['identity', 'identity_missing', 'no_rule_matches', 'trusted-chain', 'acme'],
    run: withCertificate({ faults: ['no-identity'] }),
  },
  {
    title: 'an unknown device where strangers are recorded and wait',
    verdict: ['device', 'device_quarantined', 'awaits_approval', 'known', 'acme'],
    run: async (t, database) => {
      const stage = await withStage(t, { database, anchors: { acme: { registration: 'quarantine' } } });
      const device = role(stage.cast, 'acme');
      const seen = await perform(await dress(stage.context, device));
      assert.equal((await stage.register.show(await stage.deviceId(device)))?.state, 'quarantined');
      return { stage, port: seen.localPorts[0] ?? 0 };
    },
  },
  {
    title: 'a retired device',
    verdict: ['device', 'device_retired', 'retired', 'known', 'acme'],
    run: async (t, database) => {
      const stage = await withStage(t, { database });
      const device = await stage.known();
      await stage.db.query({
        text: `update devices set state = 'retired' where id = $1`,
        values: [await stage.deviceId(device)],
      });
      const seen = await perform(await dress(stage.context, device));
      return { stage, port: seen.localPorts[0] ?? 0 };
    },
  },
];
