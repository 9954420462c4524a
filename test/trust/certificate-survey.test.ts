import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { countUnkeptCertificates, readShownPaths } from '../../src/fleet/shown-certificates.ts';
import { type AnchorSurvey, surveyCertificates } from '../../src/trust/certificate-survey.ts';
import { profiles } from '../../src/x509/profile.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { handshake, newCell, newEui, newNode, newPki, type Pki, trustAnchors, verdict } from './world.ts';

describe('the survey of the certificates that devices have shown', () => {
  let database: TestDatabase;
  let pki: Pki;
  before(async () => {
    [database, pki] = await Promise.all([createTestDatabase(), newPki()]);
  });
  after(() => database.drop());

  async function surveyed(): Promise<readonly AnchorSurvey[]> {
    const anchors = new Map((await trustAnchors(pki)).map(({ name, path }) => [name, path]));
    return surveyCertificates(readShownPaths(database.db), anchors, profiles.hems);
  }

  test('is empty before anybody came', async () => {
    assert.deepEqual(await surveyed(), []);
  });

  test('counts for each anchor what each rule would refuse', async () => {
    const auto = { registration: 'auto' as const, autoRegistration: { ouis: ['00a0bc'], perHour: 1000 } };
    const node = await newNode(database.db, pki, { anchors: { acme: auto, zenith: auto } });
    const show = async (anchor: 'acme' | 'zenith', key: 'ec' | 'rsa'): Promise<void> => {
      const cell = await newCell(pki, { anchor, key, dnsNames: [`${newEui()}.hnb.${anchor}.example`] });
      // Once more: a certificate is kept once, however often it is shown.
      for (let i = 0; i < 2; i++) assert.equal(verdict(await node.gate.admit(handshake(cell.chain))), 'admitted');
    };
    await show('acme', 'ec');
    await show('acme', 'rsa');
    await show('zenith', 'ec');
    await node.gate.close();
    const surveys = await surveyed();
    const counts = Object.fromEntries(surveys.map(({ anchor, certificates }) => [anchor, certificates]));
    assert.deepEqual(counts, { acme: 2, zenith: 1 });
    const rules = (name: string): string[] =>
      surveys
        .find(({ anchor }) => anchor === name)
        ?.rules.map(({ rule, level, breaking }) => `${rule} ${level} ${breaking}`) ?? [];
    assert.ok(rules('acme').includes('crl-distribution-points warn 2'), String(rules('acme')));
    assert.ok(rules('zenith').includes('crl-distribution-points warn 1'), String(rules('zenith')));
    assert.ok(!rules('acme').some((line) => line.startsWith('rsa-key-size')));
  });

  test('says how many it cannot survey, because only their facts are there', async () => {
    assert.equal(await countUnkeptCertificates(database.db), 0);
    await database.db.query({ text: 'delete from shown_certificates' });
    assert.equal(await countUnkeptCertificates(database.db), 3);
    assert.deepEqual(await surveyed(), []);
  });
});
