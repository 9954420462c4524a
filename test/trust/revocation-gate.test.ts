import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Database, Query } from '../../src/platform/postgres.ts';
import { mintCrl, type RevokedCertificate } from '../../src/simulator/crl-minting.ts';
import { readCrl } from '../../src/trust/revocation/crl-reader.ts';
import { applyWeighed, type DeskDeps, importCrl, importList, weighPolicy } from '../../src/trust/revocation/desk.ts';
import { applyPolicy } from '../../src/trust/revocation/policy-store.ts';
import { policySchema } from '../../src/trust/revocation-policy.ts';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  admitted,
  by,
  type Cell,
  handshake,
  newCell,
  newEui,
  newNode,
  newPki,
  type Node,
  now,
  type Pki,
  trustAnchors,
  verdict,
} from './world.ts';

const hour = 3_600_000;
const uploaded = { name: 'acme', depth: 'end-entity', sources: [{ kind: 'uploaded-crl' }] };

/** The same database, with a list of what was asked. */
function counting(db: Database): { readonly db: Database; readonly asked: string[] } {
  const asked: string[] = [];
  const query: Database['query'] = (one: Query) => {
    asked.push(one.name ?? one.text.trim().slice(0, 40));
    return db.query(one);
  };
  return { db: { ...db, query }, asked };
}

describe('revocation at the gate', () => {
  let pki: Pki;
  let database: TestDatabase;
  let node: Node;
  let asked: string[];
  let desk: DeskDeps;
  let numbers = 0;

  before(async () => {
    pki = await newPki();
    database = await createTestDatabase();
    const counted = counting(database.db);
    asked = counted.asked;
    node = await newNode(counted.db, pki);
    const complain = (error: unknown): never => {
      throw error;
    };
    const anchors = (await trustAnchors(pki)).map(({ path }) => path);
    desk = { db: database.db, clock: node.clock, anchors, readCrl, complain };
  });
  after(async () => {
    await node.gate.close();
    await database.drop();
  });

  async function activeCell(): Promise<{ cell: Cell; identity: string; deviceId: string }> {
    const identity = `${newEui()}.hnb.acme.example`;
    const added = await node.register.add(
      { identity: { anchor: 'acme', kind: 'hnb-fqdn', value: identity, oui: '00A0BC' } },
      by,
    );
    assert.ok(added.ok);
    const cell = await newCell(pki, { dnsNames: [identity] });
    const admission = admitted(await node.gate.admit(handshake(cell.chain)));
    node.gate.released(admission);
    await database.db.query({
      text: `update devices set state = 'active' where id = $1`,
      values: [added.deviceId],
    });
    return { cell, identity, deviceId: added.deviceId };
  }

  const entry = ({ cell }: { cell: Cell }): RevokedCertificate => ({
    serialNumber: parseCertificate(cell.chain[0]!).serialNumber,
    revokedAt: new Date(now.getTime() - hour),
    reason: 'keyCompromise',
  });

  async function crl(entries: readonly RevokedCertificate[]): Promise<{ der: Buffer; certificates: never[] }> {
    numbers += 1;
    const { issuer } = pki.authorities.acme;
    const thisUpdate = new Date(now.getTime() - hour + numbers * 1000);
    const nextUpdate = new Date(now.getTime() + 24 * hour);
    return { der: await mintCrl({ issuer, entries, number: numbers, thisUpdate, nextUpdate }), certificates: [] };
  }

  test('a known device costs one round trip, whether the verdict was remembered or worked out', async () => {
    const { cell } = await activeCell();
    assert.ok((await importCrl(desk, await crl([]), by)).ok);
    await applyPolicy(database.db, { anchors: [uploaded] }, by, now);
    await node.assembly.facts.refresh();
    for (let i = 0; i < 3; i += 1) {
      asked.length = 0;
      node.gate.released(admitted(await node.gate.admit(handshake(cell.chain))));
      assert.deepEqual(
        asked.filter((name) => !name.startsWith('trust_insert')),
        ['fleet_find_standing'],
      );
    }
    const text = await node.metrics.getSingleMetricAsString('hems_trust_revocation_verdicts_total');
    assert.match(text, /anchor="acme",outcome="admit",how="remembered"\} 2/);
  });

  test('a verdict that was remembered ends with the CRL it rests on', async () => {
    const { cell } = await activeCell();
    node.gate.released(admitted(await node.gate.admit(handshake(cell.chain))));
    node.clock.advance(24 * hour);
    await node.assembly.facts.refresh();
    assert.equal(verdict(await node.gate.admit(handshake(cell.chain))), 'admitted');
    node.clock.advance(1);
    assert.equal(verdict(await node.gate.admit(handshake(cell.chain))), 'revocation_stale/stale/known');
    node.clock.set(now);
  });

  test('a stranger with a revoked certificate is refused for that, as one whose chain is trusted', async () => {
    const identity = `${newEui()}.hnb.acme.example`;
    const cell = await newCell(pki, { dnsNames: [identity] });
    const entries = [{ kind: 'identity', key: identity, reason: 'unspecified', revokedAt: now }] as const;
    const put = await importList(desk, entries, 'test', by);
    assert.ok(put.ok);
    await node.assembly.facts.refresh();
    assert.equal(verdict(await node.gate.admit(handshake(cell.chain))), 'revoked_crl/operator_list/trusted-chain');
  });

  describe('who would be cut off', () => {
    test('a policy check tells by cause, and tells apart what nobody knows before a source is asked', async () => {
      const [one] = [await activeCell(), await activeCell()];
      assert.ok((await importCrl(desk, await crl([entry(one)]), by)).ok, 'one device needs no confirmation');
      await node.assembly.facts.refresh();
      const strict = policySchema.parse({ anchors: [uploaded] });
      const impact = await weighPolicy(desk, strict);
      assert.deepEqual(
        impact.refused.map(({ identity, cause, detail, newly }) => [identity, cause, detail, newly]),
        [[one.identity, 'revoked_crl', 'key_compromise', false]],
      );
      assert.ok(impact.active >= 4);
      const asking = policySchema.parse({
        anchors: [{ ...uploaded, sources: [{ kind: 'operator-ocsp', url: 'http://ocsp.operator.example/' }] }],
      });
      const unknown = await weighPolicy(desk, asking);
      assert.deepEqual([unknown.refused.length, unknown.open], [0, unknown.active]);
      const chain = policySchema.parse({ anchors: [{ ...uploaded, depth: 'chain' }] });
      const { refused } = await weighPolicy(desk, chain);
      assert.ok(refused.length === impact.active && refused.some(({ cause }) => cause === 'revocation_unavailable'));
    });

    test('an import that would cut off more than the share asks for their number, and takes no other', async () => {
      const cells = [await activeCell(), await activeCell(), await activeCell()];
      const import_ = await crl(cells.map(entry));
      const first = await importCrl(desk, import_, by);
      assert.ok(!first.ok && first.kind === 'unconfirmed', JSON.stringify(first));
      assert.equal(first.count, 3);
      for (const wrong of [1, 2, 4]) assert.equal((await importCrl(desk, import_, by, wrong)).ok, false);
      await node.assembly.facts.refresh();
      assert.equal(verdict(await node.gate.admit(handshake(cells[0]!.cell.chain))), 'admitted');
      assert.equal((await importCrl(desk, import_, by, 3)).ok, true);
      await node.assembly.facts.refresh();
      assert.equal(verdict(await node.gate.admit(handshake(cells[0]!.cell.chain))), 'revoked_crl/key_compromise/known');
    });

    test('the share is the operator’s to choose; a stricter one in force counts', async () => {
      assert.ok((await importCrl(desk, await crl([]), by)).ok);
      await applyPolicy(database.db, { confirmCutOff: '100%', anchors: [uploaded] }, by, now);
      const cells = [await activeCell(), await activeCell()];
      assert.ok((await importCrl(desk, await crl(cells.map(entry)), by)).ok);
      assert.ok((await importCrl(desk, await crl([]), by)).ok);
      await applyPolicy(database.db, { confirmCutOff: '1%', anchors: [uploaded] }, by, now);
      const content = { confirmCutOff: '100%', anchors: [{ ...uploaded, depth: 'chain' }] };
      const result = await applyWeighed(desk, { document: policySchema.parse(content), content }, by);
      assert.ok(!result.ok);
      assert.ok(
        (
          await applyWeighed(desk, { document: policySchema.parse(content), content }, by, {
            confirmed: result.kind === 'unconfirmed' ? result.count : 0,
          })
        ).ok,
      );
    });
  });

  test('a CRL that nobody below an anchor signed is not taken, nor one whose number went back', async () => {
    const stranger = await newPki();
    const { issuer } = stranger.authorities.acme;
    const forged = await mintCrl({ issuer, entries: [], number: 9999, thisUpdate: now, nextUpdate: now });
    const result = await importCrl(desk, { der: forged, certificates: [] }, by);
    assert.ok(!result.ok && result.kind === 'unverified', JSON.stringify(result));
    assert.match(result.cause, /signature is not of its issuer/);
    const old = await crl([]);
    assert.ok((await importCrl(desk, await crl([]), by)).ok);
    const back = await importCrl(desk, old, by);
    assert.ok(!back.ok && back.kind === 'rollback', JSON.stringify(back));
  });
});
