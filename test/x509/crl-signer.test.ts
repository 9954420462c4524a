import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { anchor, device, issuing, root, say } from './crl-judging.ts';
import { hours, mintCrl } from './crl-minting.ts';
import { anchorOf } from './judging.ts';
import { algorithms, keyNumber, mint, newKey } from './minting.ts';
import * as ext from './minting-extensions.ts';

const leaf = device();

describe('signature and signer', () => {
  test('a forged list and one of another key say nothing, whatever they list', () => {
    for (const entries of [[], [{ serial: 1000 }]]) {
      assert.equal(say(leaf, [mintCrl({ by: issuing, entries, forged: true })]), 'unknown bad-signature');
      const stranger = { key: keyNumber(9), subject: issuing.subject };
      assert.equal(say(leaf, [mintCrl({ by: stranger, entries })]), 'unknown bad-signature');
    }
  });

  test('the algorithm inside is the one outside', () => {
    const innerAlgorithm = algorithms['ecdsa-sha384'].identifier;
    assert.equal(say(leaf, [mintCrl({ by: issuing, innerAlgorithm })]), 'unknown malformed');
  });

  test('SHA-1 only where it is allowed, MD5 nowhere', () => {
    const sha1 = mintCrl({ by: issuing, algorithm: algorithms['ecdsa-sha1'] });
    assert.equal(say(leaf, [sha1]), 'unknown weak-signature');
    assert.equal(say(leaf, [sha1], { allowSha1: true }), 'good');
    const rsa = mint({ subject: 'O=Acme/CN=RSA', key: newKey('rsa-2048'), by: root, extensions: ext.caExtensions(0) });
    const chain = [rsa];
    const own = device([], { by: rsa });
    assert.equal(say(own, [mintCrl({ by: rsa })], { chain }), 'good');
    const md5 = mintCrl({ by: rsa, algorithm: algorithms['rsa-md5'] });
    assert.equal(say(own, [md5], { chain, allowSha1: true }), 'unknown weak-signature');
  });

  test('keyUsage, where the issuer has it, names cRLSign', () => {
    const extensions = (uses: Parameters<typeof ext.keyUsage>[0] | undefined) => [
      ext.basicConstraints(true),
      ...(uses === undefined ? [] : [ext.keyUsage(uses)]),
    ];
    const ca = (uses?: Parameters<typeof ext.keyUsage>[0]) =>
      mint({ subject: 'O=Acme/CN=Issuing', key: keyNumber(1), by: root, extensions: extensions(uses) });
    for (const [by, answer] of [
      [ca(['keyCertSign']), 'unknown unauthorized-signer'],
      [ca(['keyCertSign', 'cRLSign']), 'good'],
      [ca(), 'good'],
    ] as const)
      assert.equal(say(device([], { by }), [mintCrl({ by })], { chain: [by] }), answer);
  });

  test('an anchor lists what it issued, and its own keyUsage counts', () => {
    assert.equal(say(leaf, [mintCrl({ by: root })], { index: 1 }), 'good');
    const noSign = mint({
      subject: 'O=Acme/CN=Root',
      key: keyNumber(0),
      extensions: [ext.basicConstraints(true), ext.keyUsage(['keyCertSign'])],
    });
    const anchors = [anchorOf(noSign)];
    assert.equal(say(leaf, [mintCrl({ by: root })], { index: 1, anchors }), 'unknown unauthorized-signer');
  });

  /** The issuing CA's own second key, for CRLs alone. */
  const crlKey = (by = root, serial = 78) =>
    mint({
      subject: 'O=Acme/CN=Issuing',
      key: keyNumber(3),
      by,
      serial,
      extensions: [ext.basicConstraints(true, 0), ext.keyUsage(['cRLSign'])],
    });

  test('the issuer may sign CRLs with a key of its own, which must not be revoked', () => {
    const signer = crlKey();
    const crl = mintCrl({ by: signer });
    const rootSays = (entries: { serial: number }[] = []) => mintCrl({ by: root, entries });
    assert.equal(say(leaf, [crl, rootSays()], { signers: [signer] }), 'good');
    assert.equal(say(leaf, [crl, rootSays()]), 'unknown bad-signature');
    assert.equal(say(leaf, [crl, rootSays([{ serial: 78 }])], { signers: [signer] }), 'unknown unauthorized-signer');
    assert.equal(say(leaf, [crl], { signers: [signer] }), 'unknown unauthorized-signer');
    assert.equal(say(leaf, [crl], { signers: [signer], signerStatus: 'not-revoked' }), 'good');
    const revoked = { signers: [signer], signerStatus: 'not-revoked' } as const;
    assert.equal(say(leaf, [crl, rootSays([{ serial: 78 }])], revoked), 'unknown unauthorized-signer');
  });

  test('a signer of the same name under another anchor, or out of date, is none', () => {
    const foreign = mint({ subject: 'O=Other/CN=Root', key: keyNumber(8), extensions: ext.caExtensions() });
    const signers = [crlKey(foreign)];
    const anchors = [anchor, anchorOf(foreign, { name: 'other' })];
    const crls = [mintCrl({ by: crlKey(foreign) }), mintCrl({ by: foreign }), mintCrl({ by: root })];
    assert.equal(say(leaf, crls, { signers, anchors }), 'unknown unauthorized-signer');
    // Nor where both belong to one anchor of the operator: the RFC means the key.
    const both = [anchorOf([root, foreign])];
    assert.equal(say(leaf, crls, { signers, anchors: both }), 'unknown unauthorized-signer');
    const old = mint({
      subject: 'O=Acme/CN=Issuing',
      key: keyNumber(3),
      by: root,
      notAfter: hours(-1),
      extensions: [ext.keyUsage(['cRLSign'])],
    });
    assert.equal(
      say(leaf, [mintCrl({ by: old }), mintCrl({ by: root })], { signers: [old] }),
      'unknown unauthorized-signer',
    );
  });

  test('what strangers bring cannot crowd out the signer that is known', () => {
    const crowd = [...Array(90).keys()].map((i) =>
      mint({ subject: 'O=Acme/CN=Issuing', key: keyNumber(20 + (i % 9)) }),
    );
    const crl = mintCrl({ by: issuing, entries: [{ serial: 1000 }] });
    assert.equal(say(leaf, [crl], { signers: crowd }), 'revoked unspecified');
    // Not even by the key identifier that the list names and its signer lacks.
    const id = Buffer.from([7]);
    const issuer = mint({
      subject: 'O=Acme/CN=Issuing',
      key: keyNumber(1),
      by: root,
      extensions: [...ext.caExtensions(0), ext.subjectKeyIdentifier(Buffer.from([8]))],
    });
    const fitting = [...Array(90).keys()].map((i) =>
      mint({ subject: 'O=Acme/CN=Issuing', key: keyNumber(20 + (i % 9)), extensions: [ext.subjectKeyIdentifier(id)] }),
    );
    const naming = mintCrl({ by: issuer, entries: [{ serial: 1000 }], extensions: [ext.authorityKeyIdentifier(id)] });
    assert.equal(
      say(device([], { by: issuer }), [naming], { chain: [issuer], signers: fitting }),
      'revoked unspecified',
    );
    const signer = crlKey();
    const crls = [mintCrl({ by: signer, entries: [{ serial: 1000 }] }), mintCrl({ by: root })];
    assert.equal(say(leaf, crls, { signers: [signer, ...crowd] }), 'revoked unspecified');
    const anchors = [anchorOf(root, { intermediates: [signer] })];
    assert.equal(say(leaf, crls, { signers: crowd, anchors }), 'revoked unspecified');
  });
});
