import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { type Ended, hems, json } from '../integration/command.ts';
import { peer, unless } from '../support/peers.ts';
import { now } from '../x509/minting.ts';
import { ca, delegate, device, errorResponse, minutes, response, single } from '../x509/ocsp-minting.ts';
import { files, pem } from './certificate-files.ts';

interface Answer {
  readonly status: 'good' | 'revoked' | 'unknown' | 'unusable';
  readonly cause: string | null;
  readonly detail?: string;
  readonly signer?: { readonly kind: string; readonly needsRevocationCheck?: boolean };
}

function ocsp(t: TestContext, answer: Uint8Array | string, ...more: readonly string[]): Promise<Ended> {
  const f = files(t);
  const args = ['--response', f.file('r.der', answer), '--certificate', f.file('c.der', device.der)];
  return hems([
    'certificate',
    'ocsp',
    ...args,
    '--issuer',
    f.file('i.pem', pem(ca)),
    '--at',
    now.toISOString(),
    ...more,
  ]);
}

describe('hems certificate ocsp', () => {
  test('good is 0; revoked, unknown and unusable are 1, each with its cause', async (t) => {
    const cases: readonly [Uint8Array, number, Answer['status'], string | null][] = [
      [response(), 0, 'good', null],
      [response({ singles: [single({ status: { reason: 1 } })] }), 1, 'revoked', 'keyCompromise'],
      [response({ singles: [single({ status: 'unknown' })] }), 1, 'unknown', 'responder-unknown'],
      [response({ key: delegate().key }), 1, 'unusable', 'bad-signature'],
      [response({ singles: [single({ nextUpdate: minutes(-1) })] }), 1, 'unusable', 'stale'],
      [errorResponse(6), 1, 'unusable', 'responder-unavailable'],
      [Buffer.from('invalid'), 1, 'unusable', 'malformed'],
    ];
    for (const [answer, code, status, cause] of cases) {
      const ended = await ocsp(t, answer, '--json');
      const said = json<Answer>(ended);
      assert.deepEqual([ended.code, said.status, said.cause], [code, status, cause]);
    }
  });

  test('the answer may be DER, PEM or bare base64', async (t) => {
    const base64 = Buffer.from(response()).toString('base64');
    for (const text of [`-----BEGIN OCSP RESPONSE-----\n${base64}\n-----END OCSP RESPONSE-----\n`, `${base64}\n`])
      assert.equal((await ocsp(t, text)).code, 0);
  });

  test('--at and --max-age rule the clock', async (t) => {
    assert.equal((await ocsp(t, response(), '--max-age', '5m')).code, 1);
    assert.equal((await ocsp(t, response(), '--at', minutes(120).toISOString())).code, 1);
  });

  test('a responder without nocheck is told to people and to machines', async (t) => {
    const answer = response({ signer: delegate({ marked: false }) });
    const said = json<Answer>(await ocsp(t, answer, '--json'));
    assert.deepEqual([said.status, said.signer?.kind, said.signer?.needsRevocationCheck], ['good', 'delegate', true]);
    assert.match((await ocsp(t, answer)).stdout, /whether it is revoked itself was not looked at/);
  });

  test('a file that is not there or holds no certificate is a wrong command line', async (t) => {
    const f = files(t);
    const r = f.file('r.der', response());
    const text = f.file('text', 'no certificate');
    for (const certificate of ['/nowhere', text]) {
      const ended = await hems([
        'certificate',
        'ocsp',
        '--response',
        r,
        '--certificate',
        certificate,
        '--issuer',
        text,
      ]);
      assert.equal(ended.code, 2);
    }
    assert.equal((await hems(['certificate', 'ocsp', '--response', r])).code, 2);
  });
});

describe('hems certificate show', () => {
  test('shows an answer, and an error that a responder gave in its place', async (t) => {
    const f = files(t);
    const answer = await hems(['certificate', 'show', f.file('r.der', response())]);
    assert.match(answer.stdout, /good/);
    const error = await hems(['certificate', 'show', f.file('e.der', errorResponse(6))]);
    assert.deepEqual([error.code, /unauthorized/.test(error.stdout)], [0, true]);
  });
});

describe('against openssl', { skip: unless('openssl') }, () => {
  /** What `openssl ocsp` reads in a request of ours, and what we read in an answer that it made. */
  test('an answer that openssl ocsp signed is good, and revoked once its index says so', async (t) => {
    const f = files(t);
    const openssl = (...args: string[]): void => void execFileSync(peer('openssl') ?? '', args, { stdio: 'pipe' });
    const key = f.file('ca.key', ca.key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    const [c, i] = [f.file('c.pem', pem(device)), f.file('i.pem', pem(ca))];
    const folder = dirname(c);
    openssl('ocsp', '-issuer', i, '-cert', c, '-no_nonce', '-reqout', join(folder, 'q.der'));
    const index = (state: string): string => f.file('index.txt', `${state}\t0A5B\tunknown\t/CN=device\n`);
    const answer = (state: string): Promise<Ended> => {
      const r = join(folder, 'r.der');
      openssl(
        ...['ocsp', '-index', index(state), '-CA', i, '-rsigner', i, '-rkey', key, '-resp_no_certs'],
        ...['-reqin', join(folder, 'q.der'), '-respout', r, '-ndays', '1'],
      );
      assert.ok(existsSync(r));
      return hems(['certificate', 'ocsp', '--response', r, '--certificate', c, '--issuer', i, '--json']);
    };
    assert.equal(json<Answer>(await answer('V\t491231235959Z\t')).status, 'good');
    const revoked = json<Answer>(await answer('R\t491231235959Z\t260101000000Z,keyCompromise'));
    assert.deepEqual([revoked.status, revoked.cause], ['revoked', 'keyCompromise']);
  });
});
