import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { writePem } from '../../src/x509/pem.ts';
import { type Ended, hems, testFolder } from '../integration/command.ts';
import { device, issuing, root } from '../x509/crl-judging.ts';
import { distributionPoints, hours, mintCrlDer, scope } from '../x509/crl-minting.ts';
import { keyNumber, mint } from '../x509/minting.ts';
import * as ext from '../x509/minting-extensions.ts';
import { response, single } from '../x509/ocsp-minting.ts';
import { answerOf, files, pem } from './certificate-files.ts';

const cell = device();
const rootCrl = mintCrlDer({ by: root });
const empty = mintCrlDer({ by: issuing });
const revokesCell = mintCrlDer({ by: issuing, entries: [{ serial: 1000, reason: 'keyCompromise' }] });
const revokesIssuing = mintCrlDer({ by: root, entries: [{ serial: 77 }] });

/** `valid`, or reason and detail of the most telling reason. */
function said(ended: Ended): string {
  const { valid, reasons } = answerOf(ended);
  assert.equal(ended.code, valid ? 0 : 1, ended.stderr);
  return valid ? 'valid' : `${reasons[0]?.reason} ${reasons[0]?.detail}`;
}

function checking(t: TestContext) {
  const f = files(t);
  const crls = (...ders: readonly Uint8Array[]): string[] => ders.flatMap((der) => ['--crl', f.file('a.crl', der)]);
  const check = (...more: readonly string[]) => f.check([root], [cell, issuing], '--json', ...more);
  return { ...f, crls, check, plain: f.check };
}

describe('hems certificate check with CRLs', () => {
  test('needs a current answer for every certificate of the path but the anchor', async (t) => {
    const { check, crls } = checking(t);
    assert.equal(said(await check(...crls(rootCrl, empty))), 'valid');
    assert.equal(said(await check(...crls(empty))), 'revocation_unavailable not_fetched');
    assert.equal(said(await check(...crls(rootCrl))), 'revocation_unavailable not_fetched');
    assert.equal(said(await check(...crls(rootCrl, revokesCell))), 'revoked_crl key_compromise');
    assert.equal(said(await check(...crls(revokesIssuing, empty))), 'revoked_crl unspecified');
  });

  test('goes by the time given, on every clock', async (t) => {
    const { check, crls } = checking(t);
    const both = crls(rootCrl, empty);
    assert.equal(said(await check(...both, '--at', hours(23).toISOString())), 'valid');
    assert.match(said(await check(...both, '--at', hours(25).toISOString())), /^revocation_stale stale$/);
    assert.match(said(await check(...both, '--at', hours(-2).toISOString())), /^revocation_unavailable not_yet_valid$/);
  });

  test('believes a CRL only of who may sign it: forged ones, other CAs and a signer without a path say nothing', async (t) => {
    const { check, crls } = checking(t);
    const forged = mintCrlDer({ by: issuing, forged: true });
    assert.match(said(await check(...crls(rootCrl, forged))), /^revocation_unavailable bad_signature/);
    const other = mintCrlDer({ by: { key: keyNumber(8), subject: issuing.subject } });
    assert.match(said(await check(...crls(rootCrl, other))), /^revocation_unavailable/);
  });

  test('finds a CRL issuer with a key of its own in the chain file', async (t) => {
    const { crls, file, plain } = checking(t);
    const signer = mint({
      subject: 'O=Acme/CN=Issuing',
      key: keyNumber(9),
      by: root,
      serial: 78,
      extensions: [ext.keyUsage(['cRLSign'])],
    });
    const list = mintCrlDer({ by: signer });
    const chain = file('chain.pem', pem(cell, issuing, signer));
    assert.equal(said(await plain([root], chain, '--json', ...crls(rootCrl, list))), 'valid');
    assert.match(
      said(await plain([root], [cell, issuing], '--json', ...crls(rootCrl, list))),
      /^revocation_unavailable/,
    );
  });

  test('a folder may hold the same as DER and PEM, irrelevant and unreadable files: notes, never fatal', async (t) => {
    const { check, plain } = checking(t);
    const folder = join(testFolder(t), 'crls');
    mkdirSync(join(folder, 'sub'), { recursive: true });
    const stranger = mint({ subject: 'CN=Stranger', key: keyNumber(5), extensions: ext.caExtensions() });
    const contents: Record<string, string | Uint8Array> = {
      'root.crl': rootCrl,
      'root.pem': writePem(rootCrl, 'X509 CRL'),
      'issuing.pem': `some text\n${writePem(empty, 'X509 CRL')}`,
      'other.crl': mintCrlDer({ by: stranger }),
      'README.txt': 'not a CRL',
      'broken.crl': empty.subarray(0, 60),
      'cut.pem': '-----BEGIN X509 CRL-----\nAAAA',
    };
    for (const [name, content] of Object.entries(contents)) writeFileSync(join(folder, name), content);
    const ended = await check('--crl-dir', folder);
    assert.equal(said(ended), 'valid');
    const { notes } = (JSON.parse(ended.stdout) as { revocation: { notes: string[] } }).revocation;
    for (const name of ['other.crl', 'README.txt', 'broken.crl', 'cut.pem'])
      assert.ok(
        notes.some((note) => note.includes(name)),
        `${name}: ${notes}`,
      );
    assert.equal(notes.length, 4, String(notes));
    const people = await plain([root], [cell, issuing], '--crl-dir', folder);
    assert.match(people.stdout, /note .*README\.txt/);
  });

  test('a CRL that covers some reasons only is not enough', async (t) => {
    const { check, crls } = checking(t);
    const some = mintCrlDer({ by: issuing, extensions: [scope({ reasons: ['keyCompromise'] })] });
    assert.match(said(await check(...crls(rootCrl, some))), /^revocation_unavailable/);
  });

  test('under the RFC alone a CRL has a number, and nowhere a critical one', async (t) => {
    const { check, crls } = checking(t);
    const withNumber = (critical: boolean): Uint8Array[] =>
      [root, issuing].map((by) =>
        mintCrlDer({ by, extensions: [ext.extension('2.5.29.20', Buffer.from([2, 1, 7]), critical)] }),
      );
    const rfc = ['--profile', 'rfc5280'];
    assert.equal(said(await check(...crls(...withNumber(false)), ...rfc)), 'valid');
    assert.match(said(await check(...crls(rootCrl, empty), ...rfc)), /^revocation_unavailable/);
    for (const more of [rfc, []])
      assert.match(
        said(await check(...crls(...withNumber(true)), ...more)),
        /^revocation_unavailable critical_extension/,
      );
  });

  test('prints each source asked, what it said, and the verdict', async (t) => {
    const { plain, crls } = checking(t);
    const { code, stdout } = await plain([root], [cell, issuing], ...crls(rootCrl, revokesCell));
    assert.equal(code, 1);
    assert.match(stdout, /^refused at/);
    assert.match(stdout, /asked uploaded-crl of CN=device: revoked at .* keyCompromise/);
    assert.match(stdout, /asked uploaded-crl of CN=Issuing,O=Acme: good, from .* to /);
    assert.match(stdout, /verdict refused: revoked_crl \(key_compromise\)/);
    assert.doesNotMatch(stdout, /path alone/);
  });

  test('what the path alone refuses stays refused, and is not asked about', async (t) => {
    const { plain, crls } = checking(t);
    const ended = await plain([root], [cell], '--json', ...crls(rootCrl, empty));
    assert.match(said(ended), /^chain_incomplete/);
  });
});

describe('hems certificate check with OCSP answers', () => {
  const leafGood = single({ about: cell, issuer: issuing });
  const caGood = single({ about: issuing, issuer: root });
  const byIssuing = (of: Uint8Array): Uint8Array => response({ signer: issuing, singles: [of], certificates: null });
  const byRoot = response({ signer: root, singles: [caGood], certificates: null });

  test('asks them for each certificate; a CRL may stand beside', async (t) => {
    const { check, file, crls } = checking(t);
    const answers = (...ders: readonly Uint8Array[]): string[] =>
      ders.flatMap((der) => ['--ocsp-response', file('ocsp.der', der)]);
    assert.equal(said(await check(...answers(byIssuing(leafGood), byRoot))), 'valid');
    assert.equal(said(await check(...answers(byIssuing(leafGood)), ...crls(rootCrl))), 'valid');
    assert.match(said(await check(...answers(byIssuing(leafGood)))), /^revocation_unavailable/);
    const revoked = byIssuing(single({ about: cell, issuer: issuing, status: { reason: 1 } }));
    assert.equal(said(await check(...answers(revoked, byRoot))), 'revoked_ocsp key_compromise');
    // Whoever says revoked is believed, whatever the others say.
    assert.equal(
      said(await check(...answers(revoked, byRoot), ...crls(rootCrl, empty))),
      'revoked_ocsp key_compromise',
    );
    const unknown = byIssuing(single({ about: cell, issuer: issuing, status: 'unknown' }));
    assert.equal(said(await check(...answers(unknown, byRoot))), 'ocsp_unknown responder_unknown');
    assert.match(said(await check(...answers(Buffer.from('junk'), byRoot))), /^revocation_unavailable/);
  });
});

describe('hems certificate check with a policy', () => {
  const policy = (sources: string, more = ''): string => `anchors:\n  - name: acme\n${more}    sources:\n${sources}`;
  const uploaded = '      - kind: uploaded-crl\n';

  /** An HTTP server on loopback that has the CRLs. */
  async function crlServer(t: TestContext) {
    const asked: string[] = [];
    const lists: Record<string, Uint8Array> = { '/root.crl': rootCrl, '/issuing.crl': revokesCell };
    const server = createServer((request, reply) => {
      asked.push(request.url ?? '');
      const list = lists[request.url ?? ''];
      reply.writeHead(list === undefined ? 404 : 200, { 'content-type': 'application/pkix-crl' }).end(list);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    return { asked, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  }

  test('is judged by what the policy wants to know', async (t) => {
    const { check, file, crls } = checking(t);
    const leafOnly = file('p.yaml', policy(uploaded, '    depth: end-entity\n'));
    assert.equal(said(await check('--policy', leafOnly, ...crls(empty))), 'valid');
    const lenient = file('p.yaml', policy(uploaded, '    onUnknown: admit\n'));
    assert.equal(said(await check('--policy', lenient)), 'valid');
    assert.equal(said(await check('--policy', lenient, ...crls(revokesCell))), 'revoked_crl key_compromise');
    const held = file('p.yaml', policy(uploaded, '    onUnknown: quarantine\n'));
    assert.equal(said(await check('--policy', held)), 'revocation_unavailable not_fetched');
  });

  test('fetches what the policy names, and nothing with --offline', async (t) => {
    const { check, file, crls } = checking(t);
    const { asked, origin } = await crlServer(t);
    const named = `      - kind: operator-crl\n        url: ${origin}/issuing.crl\n`;
    const path = file('p.yaml', policy(named, '    depth: end-entity\n'));
    assert.equal(said(await check('--policy', path, '--offline')), 'revocation_unavailable not_fetched');
    // What was given stands in for what is not fetched.
    assert.equal(said(await check('--policy', path, '--offline', ...crls(empty))), 'valid');
    assert.deepEqual(asked, []);
    assert.equal(said(await check('--policy', path)), 'revoked_crl key_compromise');
    assert.deepEqual(asked, ['/issuing.crl']);
  });

  test('pointers are followed only with --fetch, and never to an address inside that nobody named', async (t) => {
    const { file, plain, crls } = checking(t);
    const { asked, origin } = await crlServer(t);
    const pointer = device([distributionPoints([{ names: [{ uri: `${origin}/issuing.crl` }] }])]);
    const chain = file('chain.pem', pem(pointer, issuing));
    assert.equal(said(await plain([root], chain, '--json')), 'valid');
    const inside = await plain([root], chain, '--json', '--fetch', ...crls(rootCrl));
    assert.equal(said(inside), 'revocation_unavailable not_fetched');
    assert.deepEqual(asked, []);
    const host = origin.replace('http://', '');
    const allowed = policy(`      - kind: cert-cdp\n        hosts: ['${host}']\n`, '    depth: end-entity\n');
    assert.equal(
      said(await plain([root], chain, '--json', '--policy', file('p.yaml', allowed))),
      'revoked_crl key_compromise',
    );
    assert.deepEqual(asked, ['/issuing.crl']);
  });

  test('several anchors in a policy: one is named', async (t) => {
    const { check, file, crls } = checking(t);
    const two = `${policy(uploaded)}  - name: zenith\n    onUnknown: admit\n    sources:\n${uploaded}`;
    const path = file('two.yaml', two);
    assert.equal((await check('--policy', path)).code, 2);
    assert.equal(said(await check('--policy', path, '--anchor', 'zenith')), 'valid');
    assert.equal(said(await check('--policy', path, '--anchor', 'acme', ...crls(rootCrl, empty))), 'valid');
    assert.equal((await check('--policy', path, '--anchor', 'nobody')).code, 2);
  });

  test('a faulty policy, a file or folder that is not there, and options that contradict each other', async (t) => {
    const { check, file } = checking(t);
    for (const more of [
      ['--policy', file('bad.yaml', 'anchors: []')],
      ['--policy', '/nowhere.yaml'],
      ['--crl', '/nowhere.crl'],
      ['--crl', file('text.crl', 'no CRL')],
      ['--crl-dir', '/nowhere'],
      ['--ocsp-response', '/nowhere.der'],
      ['--fetch', '--offline'],
      ['--anchor', 'acme'],
    ])
      assert.equal((await check(...more)).code, 2, more.join(' '));
  });
});

test('looking at CRLs loads no server and no database', async (t) => {
  const { file, crls } = checking(t);
  const trust = ['--trust', file('r.pem', pem(root)), '--chain', file('c.pem', pem(cell, issuing))];
  const { stderr } = await hems(['certificate', 'check', ...trust, ...crls(rootCrl, empty)], {
    program: [process.execPath, '--import', new URL('loaded-modules.ts', import.meta.url).href, 'src/cli/main.ts'],
  });
  const loaded = stderr.split('\n').filter((line) => line.startsWith('loaded '));
  assert.ok(
    loaded.some((line) => line.includes('/src/trust/decide.ts')),
    stderr,
  );
  const heavy = loaded.filter((line) =>
    /node_modules\/(pg|fastify|undici|pkijs|@peculiar)|src\/(southbound|northbound|app)/.test(line),
  );
  assert.deepEqual(heavy, []);
});
