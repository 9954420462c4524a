import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { DeviceFault } from '../../src/simulator/device-certificates.ts';
import type { Femtocell } from '../../src/simulator/femtocell.ts';
import { clientHello, helloPlans } from '../../src/simulator/raw-client-hello.ts';
import { stage as dress, role } from '../../src/simulator/scenarios/cast.ts';
import { envelopeXml, informXml } from '../../src/simulator/soap-writer.ts';
import type { TlsVersion } from '../../src/simulator/tls-client.ts';
import { httpRequest, sayOverTls, sayPlainly, wire } from './clients.ts';
import { metric, rowsFrom } from './evidence.ts';
import { openStage, type Stage, withStage } from './stage.ts';

const paths = ['/', '/cwmp', '/cwmp/', '/metrics', '/healthz', '/readyz', '/openapi.json', '/favicon.ico', '*'];

function inform(serialNumber: string): string {
  const body = informXml({
    deviceId: { manufacturer: 'Acme Femto', oui: '00A0BC', productClass: 'FAP', serialNumber },
    events: [{ eventCode: '1 BOOT', commandKey: '' }],
    currentTime: '0001-01-01T00:00:00Z',
    retryCount: 0,
    parameterList: [],
  });
  return envelopeXml({ version: '1.0', body, id: '1', isInform: true });
}

const informRequest = httpRequest('POST', '/cwmp', {
  headers: { 'Content-Type': 'text/xml', SOAPAction: '' },
  body: inform('STRANGER'),
});

/** An Inform first, then everything else that a curious client would ask, all in one go. */
const everything = [
  informRequest,
  ...paths.map((path) => httpRequest('GET', path)),
  httpRequest('POST', '/cwmp', { headers: { Authorization: 'Basic Zm9vOmJhcg==' }, body: '' }),
  httpRequest('OPTIONS', '*'),
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'this is no HTTP at all\r\n\r\n',
].join('');

async function unheard(stage: Stage): Promise<void> {
  assert.equal(await metric(stage.metrics, 'hems_southbound_requests_total'), 0);
  assert.equal(await metric(stage.metrics, 'hems_southbound_sessions_total'), 0);
  const { rows } = await stage.db.query({ text: 'select 1 from informs' });
  assert.equal(rows.length, 0);
}

/** A device of the register, dressed for its fault. */
const faulty =
  (fault: DeviceFault, anchor: 'acme' | 'zenith' = 'acme') =>
  async (stage: Stage): Promise<Femtocell> =>
    dress(stage.context, await stage.known(anchor), { faults: [fault] });

const unadmitted: Readonly<Record<string, (stage: Stage) => Promise<Femtocell>>> = {
  'no certificate': async (stage) => dress(stage.context, await stage.known(), { bare: true }),
  'a CA nobody knows': faulty('unknown-ca'),
  'an impostor CA': faulty('impostor-ca'),
  'an incomplete chain': faulty('no-intermediate'),
  'an expired certificate': faulty('expired'),
  'a certificate of tomorrow': faulty('not-yet-valid'),
  'a certificate for servers': faulty('wrong-eku'),
  'an SHA-1 signature': faulty('sha1-signature'),
  'an MD5 signature': faulty('md5-signature', 'zenith'),
  'a CA’s certificate': faulty('ca-true-leaf'),
  'an unknown critical extension': faulty('unknown-critical-extension'),
  'one CA too many': faulty('path-length'),
  'a 1024-bit key': async (stage) => dress(stage.context, await stage.known(), { key: 'rsa-1024' }),
  'two identities': faulty('two-identities'),
  'no identity': faulty('no-identity'),
  'a foreign realm': faulty('foreign-realm'),
  'an unknown device': async (stage) => dress(stage.context, role(stage.cast, 'acme')),
  'a blocked device': async (stage) => {
    const device = role(stage.cast, 'acme');
    await stage.enrol([{ identities: [device], blocked: true }]);
    return dress(stage.context, device);
  },
  'a retired device': async (stage) => {
    const device = await stage.known();
    const values = [await stage.deviceId(device)];
    await stage.db.query({ text: `update devices set state = 'retired' where id = $1`, values });
    return dress(stage.context, device);
  },
};

const versions: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3'];

describe('a client that is not admitted is never answered, whatever it sends and however early', () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage();
  });
  after(() => stage.stop());

  for (const [who, make] of Object.entries(unadmitted))
    test(`${who}: not one byte comes back and nothing is parsed`, { timeout: 20_000 }, async () => {
      const cell = await make(stage);
      const heard = await Promise.all(
        versions.flatMap((version) =>
          (['with Finished', 'after'] as const).map((when) =>
            sayOverTls({ ...wire(stage, cell), version, when, bytes: everything }),
          ),
        ),
      );
      for (const { bytes, handshake, closedBy } of heard) {
        assert.equal(bytes.toString('latin1'), '');
        assert.deepEqual([handshake, closedBy], [true, 'server']);
      }
      const ports = heard.map(({ localPort }) => localPort);
      const rows = await rowsFrom(stage.db, ports, ports.length);
      assert.ok(rows.every(({ outcome }) => outcome === 'refused'));
      await unheard(stage);
    });

  test('a device at a door that does not accept its anchor', { timeout: 20_000 }, async () => {
    const cell = await dress(stage.context, await stage.known('zenith'));
    const heard = await sayOverTls({ ...wire(stage, cell, 'second'), bytes: everything });
    assert.deepEqual([heard.bytes.length, heard.closedBy], [0, 'server']);
    await unheard(stage);
  });

  test('every path alone, as the first bytes of a client without certificate', { timeout: 20_000 }, async () => {
    const cell = await dress(stage.context, role(stage.cast, 'acme'), { bare: true });
    const requests = [informRequest, ...paths.map((path) => httpRequest('GET', path))];
    const heard = await Promise.all(requests.map((bytes) => sayOverTls({ ...wire(stage, cell), bytes })));
    for (const { bytes } of heard) assert.equal(bytes.length, 0);
    await unheard(stage);
  });

  test('plain HTTP on the TLS port, on any path', { timeout: 20_000 }, async () => {
    const upgrade = { Connection: 'Upgrade', Upgrade: 'TLS/1.2' };
    const requests = [
      ...paths.map((path) => httpRequest('GET', path)),
      informRequest,
      httpRequest('OPTIONS', '*', { headers: upgrade }),
      'CONNECT localhost:7548 HTTP/1.1\r\n\r\n',
    ];
    const heard = await Promise.all(requests.map((bytes) => sayPlainly(stage.port(), bytes)));
    for (const { bytes, closedBy } of heard) assert.deepEqual([bytes.length, closedBy], [0, 'server']);
    await unheard(stage);
  });

  test('a hopeless ClientHello with HTTP right behind it gets its alert and no more', { timeout: 20_000 }, async () => {
    const hello = Buffer.concat([clientHello(helloPlans['rc4-only']), Buffer.from(everything)]);
    const heard = await sayPlainly(stage.port(), hello);
    assert.deepEqual([...heard.bytes], [21, 3, 3, 0, 2, 2, 40]);
    await unheard(stage);
  });
});

describe('an admitted client is never asked for a shared secret', () => {
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH', 'CONNECT', 'PROPFIND', 'BREW'];
  const credentials: Readonly<Record<string, string>> = {
    Basic: 'Basic MDBBMEJDLUZBUC0xOnNlY3JldA==',
    Digest: 'Digest username="00A0BC-1", realm="x", nonce="y", uri="/cwmp", response="z"',
    Bearer: 'Bearer eyJhbGciOiJub25lIn0.e30.',
    Negotiate: 'Negotiate YII=',
    nothing: '',
  };

  /** Ten at a time. */
  async function sayAll(stage: Stage, cell: Femtocell, requests: readonly string[]): Promise<string[]> {
    const answers: string[] = [];
    const queue = [...requests.entries()];
    const worker = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [index, bytes] = next;
        const heard = await sayOverTls({ ...wire(stage, cell), bytes, enough: (text) => text.includes('\r\n\r\n') });
        answers[index] = heard.bytes.toString('latin1');
      }
    };
    await Promise.all(Array.from({ length: 10 }, worker));
    return answers;
  }

  const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0);

  test('on no path, by no method: no 401, no challenge, no redirect, no upgrade', { timeout: 30_000 }, async (t) => {
    const stage = await withStage(t);
    const cell = await dress(stage.context, await stage.known());
    const targets = [...paths, '/cwmp?x=1', '//cwmp', '/%2e%2e/', '/%zz', 'http://localhost/cwmp'];
    const requests = [
      ...methods.flatMap((method) => targets.map((path) => httpRequest(method, path, { body: '' }))),
      httpRequest('POST', '/cwmp', { headers: { Connection: 'Upgrade', Upgrade: 'TLS/1.2' }, body: '' }),
      httpRequest('GET', '/cwmp', { headers: { 'X-Filler': 'x'.repeat(100_000) } }),
      httpRequest('POST', '/cwmp', { headers: { 'Content-Encoding': 'br' }, body: 'x' }),
      httpRequest('POST', '/cwmp', { headers: { Expect: '200-ok' }, body: 'x' }),
      httpRequest('POST', '/cwmp', { headers: { 'Content-Type': 'multipart/form-data' }, body: 'x' }),
      'no HTTP\r\n\r\n',
    ];
    const answers = await sayAll(stage, cell, requests);
    for (const [index, answer] of answers.entries()) {
      const request = requests[index]?.slice(0, 60);
      assert.doesNotMatch(answer, /www-authenticate|proxy-authenticate|^upgrade:|^location:/im, request);
      const status = statusOf(answer);
      assert.ok([0, 204, 400, 403, 404, 405, 413, 415, 417, 431].includes(status), `${status} for ${request}`);
      const opensSession = /^POST (\/cwmp(\?x=1)?|http:\/\/localhost\/cwmp) /.test(request ?? '');
      if (status === 204) assert.ok(opensSession, `204 for ${request}`);
    }
    assert.ok(answers.filter((answer) => statusOf(answer) === 404).length > 50);
  });

  test('with an Authorization header of any kind it is refused with 403 on every path, and audited', async (t) => {
    const stage = await withStage(t);
    const cell = await dress(stage.context, await stage.known());
    const requests = Object.values(credentials).flatMap((authorization) =>
      ['/cwmp', '/'].map((path) => httpRequest('POST', path, { headers: { Authorization: authorization }, body: '' })),
    );
    const answers = await sayAll(stage, cell, requests);
    assert.deepEqual([...new Set(answers.map(statusOf))], [403]);
    for (const answer of answers) assert.doesNotMatch(answer, /www-authenticate/i);
    const reasons = { outcome: 'refused', reason: 'shared_secret_attempt' };
    assert.equal(await metric(stage.metrics, 'hems_trust_decisions_total', reasons), requests.length);
  });

  test('where the anchor says ignore, it is served on its certificate alone, and that is counted', async (t) => {
    const stage = await withStage(t, { anchors: { acme: { sharedSecret: 'ignore' } } });
    const cell = await dress(stage.context, await stage.known());
    const headers = { Authorization: credentials.Basic ?? '', 'Content-Type': 'text/xml', SOAPAction: '' };
    const answers = await sayAll(stage, cell, [
      httpRequest('POST', '/cwmp', { headers, body: inform('000001') }),
      httpRequest('GET', '/', { headers }),
    ]);
    assert.deepEqual(answers.map(statusOf), [200, 404]);
    assert.match(answers[0] ?? '', /Set-Cookie: hems=/i);
    assert.equal(await metric(stage.metrics, 'hems_southbound_shared_secrets_ignored_total'), 2);
    assert.equal(await metric(stage.metrics, 'hems_trust_decisions_total', { reason: 'shared_secret_attempt' }), 0);
  });
});
