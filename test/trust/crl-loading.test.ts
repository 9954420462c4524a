import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type CrlSource, createCrlLoader } from '../../src/trust/crl-loading.ts';
import { readCrl } from '../../src/trust/revocation/crl-reader.ts';
import { lookUp } from '../../src/x509/crl.ts';
import { writePem } from '../../src/x509/pem.ts';
import { bigCrl } from '../bench/big-crl.ts';
import { device, issuing, say } from '../x509/crl-judging.ts';
import { mintCrlDer } from '../x509/crl-minting.ts';

const folder = mkdtempSync(join(tmpdir(), 'hems-crl-loading-'));
after(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function file(bytes: Uint8Array | string): { path: string } {
  const path = join(folder, `${++files}.crl`);
  writeFileSync(path, bytes);
  return { path };
}

const loader = createCrlLoader();
const signers = [issuing.certificate];
const entries = 30_000;
const { der: big, serials } = bigCrl(entries, issuing);

async function fault(source: CrlSource, mostBytes?: number): Promise<string> {
  const result = await loader.load(source, { signers, ...(mostBytes === undefined ? {} : { mostBytes }) });
  return result.ok ? 'loaded' : `${result.cause}: ${result.detail}`;
}

describe('loading a CRL', () => {
  test('a big one, from a file or from bytes, in DER or PEM: every entry is found, and the signature verified', async () => {
    const copies: CrlSource[] = [
      file(big),
      { bytes: big },
      { bytes: new Uint8Array(big), handOver: true },
      file(writePem(big, 'X509 CRL')),
    ];
    for (const source of copies) {
      const result = await loader.load(source, { signers });
      assert.ok(result.ok, result.ok ? '' : result.detail);
      assert.equal(result.crl.entries.table.count, entries);
      for (const serial of serials) assert.ok(lookUp(result.crl.entries, serial, result.crl.issuer));
      assert.equal(say(device(), [result.crl]), 'good');
      const listed = device([], { serial: BigInt(`0x${serials[7]}`) });
      assert.match(say(listed, [result.crl]), /^revoked/);
    }
    assert.equal(big[0], 0x30, 'bytes that were not handed over are untouched');
  });

  test('a small one at once', async () => {
    const result = await loader.load({ bytes: mintCrlDer({ by: issuing }) }, { signers: [] });
    assert.ok(result.ok);
    assert.equal(say(device(), [result.crl]), 'good');
  });

  test('one that comes in parts, from a database or a connection', async () => {
    async function* parts(bytes: Uint8Array, size: number, failing = false) {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      if (failing) throw new Error('the connection broke');
    }
    for (const size of [5000, 300_000, big.length]) {
      const result = await loader.load({ parts: parts(big, size) }, { signers });
      assert.ok(result.ok, result.ok ? '' : result.detail);
      assert.equal(say(device(), [result.crl]), 'good');
    }
    const small = await loader.load({ parts: parts(mintCrlDer({ by: issuing }), 50) }, { signers: [] });
    assert.ok(small.ok);
    assert.match(await fault({ parts: parts(Buffer.concat([big, big]), 100_000) }), /^malformed: .* more than the/);
    assert.match(await fault({ parts: parts(big.subarray(0, -1), 100_000) }), /^malformed: .* instead of/);
    assert.match(await fault({ parts: parts(Buffer.from(''), 1) }), /^malformed: no block/);
    for (const bytes of [big, mintCrlDer({ by: issuing })])
      await assert.rejects(fault({ parts: parts(bytes, 100_000, true) }), /the connection broke/);
    assert.equal((await readCrl(parts(big, 300_000), signers)).entries.table.count, entries);
    await assert.rejects(readCrl(parts(issuing.der, 100), signers), { name: 'CrlUnreadable' });
  });

  test('without the certificate of its signer nothing vouches for a big one', async () => {
    const result = await loader.load(file(big), { signers: [] });
    assert.ok(result.ok);
    assert.equal(say(device(), [result.crl]), 'unknown unauthorized-signer');
  });

  test('says what is wrong with one that cannot be read', async () => {
    assert.match(await fault({ path: join(folder, 'nowhere') }), /^unreachable: ENOENT/);
    assert.match(await fault(file(big), 500_000), /^too-large: /);
    assert.match(await fault({ bytes: big }, 500_000), /^too-large: /);
    assert.match(await fault({ bytes: mintCrlDer({ by: issuing }) }, 10), /^too-large: /);
    assert.match(await fault(file('<html>')), /^malformed: no block of X509 CRL/);
    assert.match(await fault(file('')), /^malformed: /);
    assert.match(await fault({ bytes: issuing.der }), /^malformed: certificateList\.tbsCertList/);
    assert.match(await fault(file(big.subarray(0, -5))), /^malformed: certificateList/);
    const two = writePem(mintCrlDer({ by: issuing }), 'X509 CRL').repeat(2);
    assert.match(await fault(file(two)), /^malformed: holds more than one CRL/);
    const broken = new Uint8Array(big);
    broken.fill(0xff, 900_000, 900_100);
    assert.match(
      await fault({ bytes: broken }),
      /^malformed: certificateList\.tbsCertList\.revokedCertificates\[21\d\d\d\]/,
    );
  });

  test('can be called off, and the next one is read all the same', async () => {
    const stop = new AbortController();
    const given = loader.load(file(big), { signers, signal: stop.signal });
    stop.abort(new Error('enough'));
    await assert.rejects(given, /enough/);
    assert.equal(await fault(file(big)), 'loaded');
  });
});
