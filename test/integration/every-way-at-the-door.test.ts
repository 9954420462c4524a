import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createFemtocell } from '../../src/simulator/femtocell.ts';
import { clientHello, helloPlans } from '../../src/simulator/raw-client-hello.ts';
import { stage as dress, perform, role } from '../../src/simulator/scenarios/cast.ts';
import { judgeStep } from '../../src/simulator/scenarios/judging.ts';
import { demoScenarios } from '../../src/simulator/scenarios/list.ts';
import type { Observation, Step } from '../../src/simulator/scenarios/scenario.ts';
import { refusalReasons } from '../../src/trust/refusal.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { sayOverTls, sayPlainly, wire } from './clients.ts';
import { type AuditRow, countedSince, decisionsCounted, rowsFrom, seriesOf } from './evidence.ts';
import { cellOptions, furtherWays, type Verdict, verdictOf } from './further-ways.ts';
import { mintDevice } from './mint.ts';
import { openStage, type Stage, withStage } from './stage.ts';

/** What the refusals of each scenario are. */
const verdicts: Readonly<Record<string, Verdict>> = {
  'unknown-ca': ['path', 'chain_untrusted', 'no_anchor', 'stranger', null],
  'impostor-ca': ['path', 'chain_untrusted', 'no_anchor', 'stranger', null],
  'no-intermediate': ['path', 'chain_incomplete', 'issuer_missing', 'stranger', null],
  expired: ['path', 'cert_expired', 'expired', 'known', 'zenith'],
  'not-yet-valid': ['path', 'cert_not_yet_valid', 'not_yet_valid', 'known', 'zenith'],
  'wrong-eku': ['path', 'purpose_invalid', 'extended_key_usage', 'known', 'zenith'],
  'rsa-1024': ['path', 'weak_key', 'rsa_key_size', 'known', 'zenith'],
  'sha1-signature': ['path', 'weak_signature', 'signature_hash', 'known', 'zenith'],
  'unknown-critical-extension': ['path', 'critical_ext_unknown', 'critical_extension', 'known', 'zenith'],
  'no-certificate': ['path', 'no_client_cert', 'empty_chain', 'stranger', null],
  'no-certificate-basic': ['path', 'no_client_cert', 'empty_chain', 'stranger', null],
  'two-identities': ['identity', 'identity_ambiguous', 'several_values', 'trusted-chain', 'acme'],
  'foreign-realm': ['identity', 'realm_not_permitted', 'realm_of_another', 'trusted-chain', 'acme'],
  'unknown-device': ['device', 'device_unknown', 'not_registered', 'trusted-chain', 'acme'],
  blocked: ['device', 'device_blocked', 'blocked', 'known', 'zenith'],
  retired: ['device', 'device_retired', 'retired', 'known', 'acme'],
  replaced: ['device', 'device_blocked', 'replaced', 'known', 'acme'],
  'serial-conflict': ['session', 'identity_conflict', 'serial_of_another_device', 'known', 'acme'],
  'serial-mismatch': ['session', 'identity_mismatch', 'serial_changed', 'known', 'zenith'],
  'new-key': ['device', 'key_held', 'new_key', 'known', 'acme'],
  'basic-on-top': ['session', 'shared_secret_attempt', 'authorization_basic', 'known', 'acme'],
  'ticket-elsewhere': ['path', 'chain_untrusted', 'no_anchor', 'stranger', null],
  'cookie-theft': ['session', 'cookie_certificate_mismatch', 'cookie_of_another_device', 'known', 'acme'],
  'rc4-only': ['tls', 'rc4_only_client', 'rc4_only', 'stranger', null],
  'null-only': ['tls', 'null_only_client', 'null_only', 'stranger', null],
  '3des-only': ['tls', 'no_shared_cipher', 'no_common_suite', 'stranger', null],
  'anonymous-only': ['tls', 'no_shared_cipher', 'no_common_suite', 'stranger', null],
  'tls1.0': ['tls', 'protocol_version', 'protocol_too_old', 'stranger', null],
  sslv3: ['tls', 'protocol_version', 'protocol_too_old', 'stranger', null],
  'plain-http': ['tls', 'not_tls', 'plain_http', 'stranger', null],
};

/** TLS, address and certificate, as far as a client that came so far has them. */
function assertFacts(row: AuditRow, seen: Observation): void {
  assert.equal(row.remote_address, '127.0.0.1');
  assert.ok(seen.localPorts.includes(row.remote_port));
  if (row.stage === 'tls') {
    assert.equal(row.cipher_suite, null);
    assert.equal(row.fingerprint, null);
    return;
  }
  assert.equal(row.tls_version, seen.tlsVersion);
  assert.match(row.cipher_suite ?? '', /^TLS_\w+_(GCM_SHA\d+|POLY1305_SHA256)$/);
  assert.equal(row.resumed, seen.resumed);
  assert.equal(row.server_name, 'localhost');
  if (row.reason === 'no_client_cert') {
    assert.deepEqual([row.subject, row.issuer, row.serial_number, row.fingerprint], [null, null, null, null]);
    return;
  }
  assert.match(row.subject ?? '', /^CN=[^,]+,O=(Acme Femto|Zenith Cells|Example Operator)$/);
  assert.match(row.issuer ?? '', /^CN=/);
  assert.match(row.serial_number ?? '', /^[0-9a-f]{8,40}$/);
  assert.match(row.fingerprint ?? '', /^[0-9a-f]{64}$/);
}

/** One row says how the step ended; a refusal within a session has the row of the admission before it. */
async function assertStep(stage: Stage, scenario: string, step: Step, seen: Observation): Promise<AuditRow[]> {
  const verdict = step.expect.outcome === 'refused' ? verdicts[scenario] : undefined;
  const inSession = verdict?.[0] === 'session';
  const rows = await rowsFrom(stage.db, seen.localPorts, inSession ? 2 : 1, step.door);
  assert.deepEqual(
    judgeStep(
      step,
      seen,
      rows.map(({ outcome, reason }) => ({ outcome, ...(reason && { reason }) })),
    ),
    [],
  );
  assert.deepEqual(rows.map(({ outcome }) => outcome).sort(), [
    ...(inSession || step.expect.outcome === 'admitted' ? ['admitted'] : []),
    ...(step.expect.outcome === 'refused' ? ['refused'] : []),
  ]);
  for (const row of rows) {
    assertFacts(row, seen);
    assert.equal(row.kept_in, row.peer === 'known' ? 'admissions' : 'refusals');
    assert.equal(row.device_id !== null, row.peer === 'known');
  }
  const refused = rows.find(({ outcome }) => outcome === 'refused');
  if (verdict !== undefined && refused !== undefined) assert.deepEqual(verdictOf(refused), verdict);
  return rows;
}

function tally(rows: readonly AuditRow[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome, reason, anchor, peer } of rows) {
    const series = seriesOf({ outcome, reason: reason ?? 'none', anchor: anchor ?? 'none', peer });
    counts[series] = (counts[series] ?? 0) + 1;
  }
  return counts;
}

describe('every way at the door: client, audit row and counter agree', { timeout: 120_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage();
  });
  after(() => stage.stop());

  for (const scenario of demoScenarios(process.pid))
    test(`${scenario.name}: ${scenario.title}`, async () => {
      await stage.enrol(scenario.prepare);
      const before = await decisionsCounted(stage.metrics);
      const seen = await scenario.run(stage.context);
      assert.equal(seen.length, scenario.steps.length);
      const rows: AuditRow[] = [];
      for (const [index, step] of scenario.steps.entries()) {
        const observation = seen[index];
        assert.ok(observation !== undefined);
        rows.push(...(await assertStep(stage, scenario.name, step, observation)));
      }
      // Nothing else was at the door meanwhile, so the counter grew by these rows and by nothing else.
      assert.deepEqual(countedSince(before, await decisionsCounted(stage.metrics)), tally(rows));
    });

  test('the certificate in the audit is the one that the client showed, in its own words', async () => {
    const { identity } = role(stage.cast, 'acme');
    const credentials = await mintDevice(stage.pki, {
      subject: [
        ['C', 'DE'],
        ['O', 'Zwergbetrieb Müller, Söhne & Co.'],
        ['CN', 'cell'],
      ],
      alternative: [identity],
    });
    const seen = await perform(createFemtocell(cellOptions(stage, { anchor: 'acme', identity }, { credentials })));
    const [row] = await rowsFrom(stage.db, seen.localPorts);
    const shown = new X509Certificate(credentials.chain);
    assert.equal(row?.reason, 'device_unknown');
    assert.equal(row.identity, identity);
    assert.equal(row.fingerprint, shown.fingerprint256.replaceAll(':', '').toLowerCase());
    assert.equal(row.serial_number, shown.serialNumber.toLowerCase().replace(/^0+/, ''));
    assert.equal(row.subject, 'CN=cell,O=Zwergbetrieb Müller\\, Söhne & Co.,C=DE');
    assert.equal(row.issuer, 'CN=Acme Femto Development Issuing CA,O=Acme Femto');
  });
});

describe('ways that the demo does not show', { timeout: 60_000 }, () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  for (const { title, verdict, run } of furtherWays)
    test(`${verdict[1]} (${verdict[2]}): ${title}`, async (t) => {
      const { stage, port } = await run(t, database);
      const rows = await rowsFrom(stage.db, [port]);
      // Of a device that was admitted first the audit has a row of that too.
      const row = rows.find(({ outcome }) => outcome === 'refused');
      assert.ok(row !== undefined);
      assert.deepEqual(verdictOf(row), verdict);
      const counted = await decisionsCounted(stage.metrics);
      const [, reason, , peer, anchor] = verdict;
      assert.equal(counted.get(seriesOf({ outcome: 'refused', reason, anchor: anchor ?? 'none', peer })), 1);
    });

  test('a handshake that is never finished times out', async (t) => {
    const stage = await withStage(t, { database, config: { limits: { handshakeTime: '300ms' } } });
    const heard = await sayPlainly(stage.port(), clientHello(helloPlans['aead-only']));
    assert.equal(heard.closedBy, 'server');
    const [row] = await rowsFrom(stage.db, [heard.localPort]);
    assert.ok(row !== undefined);
    assert.deepEqual(verdictOf(row), ['tls', 'handshake_timeout', 'handshake_incomplete', 'stranger', null]);
    assert.equal(row.tls_version, 'TLSv1.2');
  });

  test('a device that is admitted and leaves before its Inform has its row too', async (t) => {
    const stage = await withStage(t, { database });
    const cell = await dress(stage.context, await stage.known());
    const heard = await sayOverTls({ ...wire(stage, cell), bytes: '', withinMs: 200 });
    const rows = await rowsFrom(stage.db, [heard.localPort]);
    assert.deepEqual(
      rows.map(({ outcome, peer, kept_in }) => [outcome, peer, kept_in]),
      [['admitted', 'known', 'admissions']],
    );
    const { rows: informs } = await stage.db.query<{ count: number }>({
      text: 'select count(*) from informs where device_id = $1',
      values: [rows[0]?.device_id],
    });
    assert.equal(informs[0]?.count, 0);
  });

  test('a client that comes and goes without a byte, as balancers’ probes do, is no decision', async (t) => {
    const stage = await withStage(t, { database });
    const { localPort } = await sayPlainly(stage.port(), '', { end: true });
    // What comes after it is in the audit; what came before would be too.
    const seen = await perform(await dress(stage.context, await stage.known()));
    const rows = await rowsFrom(stage.db, [localPort, ...seen.localPorts]);
    assert.deepEqual(
      rows.map(({ outcome }) => outcome),
      ['admitted'],
    );
    assert.deepEqual([...(await decisionsCounted(stage.metrics)).keys()], ['admitted none acme known']);
  });
});

test('every reason that can occur without revocation is reached by a client that really does it', () => {
  const reached = new Set<string>([
    ...demoScenarios(1).flatMap(({ steps }) => steps.flatMap(({ expect }) => expect.reason ?? [])),
    ...furtherWays.map(({ verdict }) => verdict[1]),
  ]);
  const ofRevocation = ['revoked_crl', 'revoked_ocsp', 'revocation_unavailable', 'revocation_stale', 'ocsp_unknown'];
  assert.deepEqual(
    refusalReasons.filter((reason) => !reached.has(reason)),
    ofRevocation,
  );
});
