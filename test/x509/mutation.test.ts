import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { DerError, openDer, take } from '../../src/x509/der.ts';
import { nameOf, nameToString } from '../../src/x509/name.ts';
import { judgePath } from '../../src/x509/path.ts';
import { createPathCache } from '../../src/x509/path-cache.ts';
import { parsePublicKey } from '../../src/x509/public-key.ts';
import * as der from './der-writer.ts';
import { anchorOf, verdict } from './judging.ts';
import { algorithms, keyNumber, type Minted, mint, name, newKey, now } from './minting.ts';
import * as ext from './minting-extensions.ts';
import { mutated } from './mutating.ts';

const root = mint({ subject: 'O=Acme/CN=Root', key: keyNumber(0), extensions: ext.caExtensions() });
const anchor = anchorOf(root);

/** A certificate with every extension that is read, so that mutations reach every reader. */
const everything = [
  ...ext.caExtensions(3),
  ext.extKeyUsage([ext.clientAuth, ext.serverAuth]),
  ext.subjectAltName([
    { dns: 'a.example' },
    { email: 'a@b.example' },
    { uri: 'https://a.example/' },
    { ip: [127, 0, 0, 1] },
    { directory: name('C=DE/O=Acme') },
    { registeredId: '1.2.3' },
    { other: '1.2.3.4' },
  ]),
  ext.nameConstraints({
    permitted: [{ dns: 'example' }, { ip: [10, 0, 0, 0, 255, 0, 0, 0] }],
    excluded: [{ dns: 'x.example' }],
  }),
  ext.certificatePolicies(['1.2.3', '2.5.29.32.0']),
  ext.policyMappings([['1.2.3', '1.2.4']]),
  ext.policyConstraints(3, 4),
  ext.inhibitAnyPolicy(2),
  ext.authorityKeyIdentifier(Buffer.from([1, 2, 3])),
  ext.subjectKeyIdentifier(Buffer.from([1, 2, 3])),
  ext.extension(
    'cRLDistributionPoints',
    der.sequence(der.sequence(der.explicit(0, der.explicit(0, ext.generalName({ uri: 'http://x.example/' }))))),
  ),
  ext.extension(
    'authorityInfoAccess',
    der.sequence(der.sequence(der.oid('1.3.6.1.5.5.7.48.1'), ext.generalName({ uri: 'http://x.example/' }))),
  ),
];

const issuing = mint({ subject: 'O=Acme/CN=Ü Issuing', key: keyNumber(1), by: root, extensions: everything });

function onlyDerErrors(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    assert.match(error.field, /^[A-Za-z0-9.[\]-]+$/);
  }
}

describe('reading what nobody should have written', () => {
  test('a mutated certificate is read, or refused with an error that names a field, and nothing else', () => {
    fc.assert(
      fc.property(mutated(issuing.der), (bytes) => onlyDerErrors(() => parseCertificate(bytes))),
      { numRuns: 6000 },
    );
  });

  test('each octet of a certificate in turn', () => {
    for (let i = 0; i < issuing.der.length; i++)
      for (const flip of [0x01, 0x80, 0xff]) {
        const bytes = Uint8Array.from(issuing.der);
        bytes[i] = (bytes[i] ?? 0) ^ flip;
        onlyDerErrors(() => parseCertificate(bytes));
      }
    for (let length = 0; length < issuing.der.length; length++)
      assert.throws(() => parseCertificate(issuing.der.subarray(0, length)), DerError);
  });

  test('any bytes at all, as certificate, name and key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        onlyDerErrors(() => parseCertificate(bytes));
        onlyDerErrors(() => parsePublicKey(bytes));
        onlyDerErrors(() => nameToString(nameOf(take(openDer(bytes, 'name'), 'name'))));
      }),
      { numRuns: 3000 },
    );
  });

  test('DER of the right shape and any content', () => {
    const tag = fc.constantFrom(1, 2, 3, 4, 5, 6, 10, 12, 19, 22, 23, 24, 30, 0x80, 0x82, 0x86);
    const { tree } = fc.letrec<{ tree: Uint8Array }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        fc.tuple(tag, fc.uint8Array({ maxLength: 12 })).map(([t, bytes]) => der.tlv(t, bytes)),
        fc
          .tuple(fc.constantFrom(0x30, 0x31, 0xa0, 0xa1, 0xa3), fc.array(tie('tree'), { maxLength: 5 }))
          .map(([t, parts]) => der.tlv(t, ...parts)),
      ),
    }));
    fc.assert(
      fc.property(tree, fc.constantFrom(...Object.keys(extensionsRead)), (value, extension) => {
        const { der: bytes } = mintedWith(ext.extension(extension, value));
        onlyDerErrors(() => parseCertificate(bytes));
        onlyDerErrors(() => parseCertificate(value));
      }),
      { numRuns: 1500 },
    );
  });
});

const extensionsRead = {
  basicConstraints: 0,
  keyUsage: 0,
  extKeyUsage: 0,
  subjectAltName: 0,
  issuerAltName: 0,
  nameConstraints: 0,
  certificatePolicies: 0,
  policyMappings: 0,
  policyConstraints: 0,
  inhibitAnyPolicy: 0,
  cRLDistributionPoints: 0,
  authorityKeyIdentifier: 0,
  subjectKeyIdentifier: 0,
  authorityInfoAccess: 0,
  subjectDirectoryAttributes: 0,
};

/** Unsigned: only reading is tried. */
function mintedWith(extension: Uint8Array): Minted {
  return mint({ extensions: [extension], algorithm: { ...algorithms['ecdsa-sha256'], sign: () => Buffer.from([0]) } });
}

describe('a mutation never turns a refusal into an admission', () => {
  const ca = (key = keyNumber(1)): Minted =>
    mint({ subject: 'O=Acme/CN=Issuing', key, by: root, extensions: ext.caExtensions(0) });
  const leaf = (by: Minted, options: Parameters<typeof mint>[0] = {}): Minted =>
    mint({ subject: 'CN=device', key: keyNumber(2), by, extensions: ext.deviceExtensions(), ...options });

  /** Every octet of the certificates of a good path, changed: the path is no longer good. */
  function everyOctetMatters(chain: readonly Minted[], step: number): void {
    assert.equal(verdict(chain, anchor), 'good');
    const cache = createPathCache({ maxEntries: 10 });
    assert.equal(verdict(chain, anchor, { cache }), 'good');
    for (const [which, { der: original }] of chain.entries())
      for (let i = 0; i < original.length; i += step)
        for (const flip of [0x01, 0x80]) {
          const bytes = Uint8Array.from(original);
          bytes[i] = (bytes[i] ?? 0) ^ flip;
          const ders = chain.map((c, n) => (n === which ? bytes : c.der));
          for (const more of [{}, { cache }])
            assert.ok(!judgePath({ chain: ders, anchors: [anchor], at: now, ...more }).ok, `octet ${i} of ${which}`);
        }
  }

  test('flipping any octet of a good chain of EC certificates refuses it', () => {
    const issuer = ca();
    everyOctetMatters([leaf(issuer), issuer], 1);
  });

  test('flipping octets of a good chain with RSA and Ed25519 refuses it', () => {
    const [rsa, edwards] = [ca(newKey('rsa-2048')), ca(newKey('ed25519'))];
    everyOctetMatters([leaf(rsa), rsa], 5);
    everyOctetMatters([leaf(edwards), edwards], 5);
  });

  test('flipping bits of refused chains, and mutating them, admits none', () => {
    const issuer = ca();
    const noCa = mint({ subject: 'O=Acme/CN=Issuing', key: keyNumber(1), by: root, extensions: [] });
    const refused: Minted[][] = [
      [leaf(issuer, { notAfter: new Date('2021-01-01T00:00:00Z') }), issuer],
      [leaf(issuer, { extensions: [ext.extKeyUsage([ext.serverAuth])] }), issuer],
      [leaf(issuer, { extensions: [ext.extension('1.2.3', der.nothing(), true)] }), issuer],
      [leaf(issuer, { by: { key: keyNumber(9), subject: issuer.subject } }), issuer],
      [leaf(noCa), noCa],
      [leaf(issuer)],
    ];
    for (const chain of refused) {
      assert.notEqual(verdict(chain, anchor), 'good');
      const whole = Buffer.concat(chain.map((c) => c.der));
      const cut = (bytes: Uint8Array): Uint8Array[] => {
        const first = chain[0]?.der.length ?? 0;
        return chain.length === 1 ? [bytes] : [bytes.subarray(0, first), bytes.subarray(first)];
      };
      for (let i = 0; i < whole.length; i += 3) {
        const bytes = Uint8Array.from(whole);
        bytes[i] = (bytes[i] ?? 0) ^ (1 << (i % 8));
        assert.ok(!judgePath({ chain: cut(bytes), anchors: [anchor], at: now }).ok);
      }
      fc.assert(
        fc.property(mutated(whole), (bytes) => {
          assert.ok(!judgePath({ chain: cut(bytes), anchors: [anchor], at: now }).ok);
        }),
        { numRuns: 100 },
      );
    }
  });
});
