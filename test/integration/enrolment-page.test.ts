/** What docs/enrolment.md tells people to type, typed: its openssl commands make a certificate that the gate accepts. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { judgePath } from '../../src/x509/path.ts';
import { readPem } from '../../src/x509/pem.ts';
import { profiles } from '../../src/x509/profile.ts';
import { peer, unless } from '../support/peers.ts';
import { root, testFolder } from './command.ts';

const run = promisify(execFile);

test('docs/enrolment.md makes a certificate of the operator that the profile accepts', {
  skip: unless('openssl'),
}, async (t) => {
  const page = readFileSync(join(root, 'docs/enrolment.md'), 'utf8');
  const blocks = [...page.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, language, text]) =>
    language === '' ? [text ?? ''] : [],
  );
  const lines = blocks.flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'));
  const typed = lines.filter((line) => /^(openssl|printf) /.test(line)).join(' && ');
  assert.ok(typed.length > 200 && peer('openssl') !== undefined);
  const folder = testFolder(t);
  await run('sh', ['-c', typed], { cwd: folder });
  const read = (name: string) => readPem(readFileSync(join(folder, name), 'utf8'), 'CERTIFICATE');
  const [leaf] = read('cell.crt');
  assert.ok(leaf !== undefined);
  const anchor = {
    name: 'operator',
    certificates: read('operator-ca.crt').map(parseCertificate),
    profile: profiles.hems,
    acceptExpired: false,
  };
  const judged = judgePath({ chain: [leaf], anchors: [anchor], at: new Date() });
  assert.ok(judged.ok, JSON.stringify(judged.ok ? '' : judged.failures));
});
