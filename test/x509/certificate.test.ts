import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { rootCertificates } from 'node:tls';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { DerError, toHex } from '../../src/x509/der.ts';
import { isCritical } from '../../src/x509/extensions.ts';
import { nameToString } from '../../src/x509/name.ts';
import { keyFingerprint, keyToString, strengthOf } from '../../src/x509/public-key.ts';
import * as der from './der-writer.ts';
import { keyNumber, type MintOptions, mint, name, newKey } from './minting.ts';
import * as ext from './minting-extensions.ts';
import { peculiar } from './second-opinion.ts';

const parsed = (options: MintOptions) => parseCertificate(mint(options).der);
const withExtensions = (...extensions: Uint8Array[]) => parsed({ extensions }).extensions;

function refused(field: string, options: MintOptions): void {
  assert.throws(
    () => parsed(options),
    (error) => {
      assert.ok(error instanceof DerError);
      assert.equal(error.field, field);
      return true;
    },
  );
}

const inExtension = (what: string) => `certificate.tbsCertificate.extensions.${what}`;

describe('a certificate as plain data', () => {
  test('has its fields', () => {
    const certificate = parsed({
      subject: 'C=DE/O=Acme/CN=device',
      issuer: 'O=Acme/CN=Root',
      serial: 0x0abcn,
      notBefore: new Date('2024-01-02T03:04:05Z'),
      notAfter: new Date('9999-12-31T23:59:59Z'),
    });
    assert.equal(certificate.version, 3);
    assert.equal(certificate.serialNumber, 'abc');
    assert.equal(nameToString(certificate.subject), 'CN=device,O=Acme,C=DE');
    assert.equal(nameToString(certificate.issuer), 'CN=Root,O=Acme');
    assert.equal(certificate.notBefore.toISOString(), '2024-01-02T03:04:05.000Z');
    assert.equal(certificate.notAfter.toISOString(), '9999-12-31T23:59:59.000Z');
    assert.deepEqual(certificate.signature.algorithm, { kind: 'ecdsa', name: 'ecdsa-with-SHA256', hash: 'sha256' });
    assert.deepEqual([certificate.publicKey.algorithm, certificate.publicKey.curve], ['ec', 'P-256']);
  });

  test('agrees with what OpenSSL reads of the public roots', () => {
    const roots = rootCertificates.map((pem) => new X509Certificate(pem));
    assert.ok(roots.length > 100);
    for (const root of roots) {
      const ours = parseCertificate(root.raw);
      assert.equal(ours.serialNumber.toUpperCase(), root.serialNumber.replace(/^0+(?=.)/, ''));
      assert.equal(ours.notAfter.getTime(), Date.parse(root.validTo));
      assert.equal(ours.notBefore.getTime(), Date.parse(root.validFrom));
      assert.equal(ours.fingerprint, root.fingerprint256.replaceAll(':', '').toLowerCase());
      assert.equal(ours.extensions.basicConstraints?.ca ?? false, root.ca);
      assert.deepEqual(Buffer.from(ours.publicKey.spki), root.publicKey.export({ format: 'der', type: 'spki' }));
      const bits = root.publicKey.asymmetricKeyDetails?.modulusLength;
      if (bits !== undefined) assert.equal(ours.publicKey.bits, bits);
    }
  });

  test('agrees with what another library minted and reads', async () => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const theirs = await peculiar.X509CertificateGenerator.createSelfSigned({
      serialNumber: '01ff',
      name: 'CN=device, O=Acme',
      notBefore: new Date('2024-01-01T00:00:00Z'),
      notAfter: new Date('2050-01-01T00:00:00Z'),
      keys,
      signingAlgorithm: algorithm,
      extensions: [
        new peculiar.BasicConstraintsExtension(true, 3, true),
        new peculiar.KeyUsagesExtension(peculiar.KeyUsageFlags.digitalSignature | peculiar.KeyUsageFlags.cRLSign, true),
        new peculiar.ExtendedKeyUsageExtension([ext.clientAuth]),
        new peculiar.SubjectAlternativeNameExtension([
          { type: 'dns', value: 'a.example' },
          { type: 'ip', value: '192.0.2.1' },
          { type: 'url', value: 'http://a.example/' },
        ]),
        await peculiar.SubjectKeyIdentifierExtension.create(keys.publicKey),
        new peculiar.CRLDistributionPointsExtension(['http://crl.example/1.crl']),
        new peculiar.AuthorityInfoAccessExtension({ ocsp: 'http://ocsp.example/' }),
      ],
    });
    const ours = parseCertificate(new Uint8Array(theirs.rawData));
    assert.equal(ours.serialNumber, '1ff');
    assert.equal(nameToString(ours.subject), 'O=Acme,CN=device');
    const { extensions } = ours;
    assert.deepEqual(extensions.basicConstraints, { ca: true, pathLength: 3 });
    assert.deepEqual(extensions.keyUsage, ['digitalSignature', 'cRLSign']);
    assert.deepEqual(extensions.extKeyUsage, [ext.clientAuth]);
    assert.deepEqual(
      extensions.subjectAltName?.map((n) => ('value' in n ? n.value : n.kind)),
      ['a.example', 'iPAddress', 'http://a.example/'],
    );
    assert.equal(
      toHex(extensions.subjectKeyIdentifier ?? new Uint8Array()),
      theirs.getExtension(peculiar.SubjectKeyIdentifierExtension)?.keyId,
    );
    const names = [{ kind: 'uniformResourceIdentifier', value: 'http://crl.example/1.crl' }];
    assert.deepEqual(extensions.cRLDistributionPoints, [{ name: { kind: 'fullName', names } }]);
    assert.equal(extensions.authorityInfoAccess?.[0]?.method, '1.3.6.1.5.5.7.48.1');
  });

  test('keeps negative and overlong serial numbers apart from their positive twins', () => {
    assert.equal(parsed({ serial: -1 }).serialNumber, '-1');
    assert.equal(parsed({ serial: 255 }).serialNumber, 'ff');
    assert.equal(parsed({ serial: 0 }).serialNumber, '0');
    assert.equal(parsed({ serial: 1n << 200n }).serialOctets, 26);
  });

  test('knows versions 1 and 2', () => {
    assert.equal(parsed({ version: 1, extensions: null }).version, 1);
    assert.equal(parsed({ version: 2, extensions: null, uniqueId: true }).uniqueIdentifiers, true);
  });
});

describe('keys in certificates', () => {
  test('are read with their size, curve and exponent', () => {
    const rsa = parsed({ key: newKey('rsa-1024', 3) }).publicKey;
    assert.deepEqual([rsa.algorithm, rsa.bits, rsa.exponent], ['rsa', 1024, '3']);
    const edwards = parsed({ key: newKey('ed25519') }).publicKey;
    assert.deepEqual([edwards.algorithm, edwards.bits], ['ed25519', 256]);
    const p384 = parsed({ key: newKey('P-384') }).publicKey;
    assert.deepEqual([p384.curve, p384.bits, keyToString(p384)], ['P-384', 384, 'EC P-384']);
    assert.equal(keyToString(rsa), 'RSA 1024');
  });

  test('compare by strength', () => {
    const strengths = (['rsa-1024', 'rsa-2048', 'P-256', 'ed25519', 'P-384', 'P-521'] as const).map((kind) =>
      strengthOf(parsed({ key: newKey(kind) }).publicKey),
    );
    assert.deepEqual(strengths, [80, 112, 128, 128, 192, 260]);
  });

  test('have a fingerprint that survives renewal of the certificate', () => {
    const [a, b] = [parsed({ serial: 1 }), parsed({ serial: 2, subject: 'CN=other' })];
    assert.notEqual(a.fingerprint, b.fingerprint);
    assert.equal(keyFingerprint(a.publicKey), keyFingerprint(b.publicKey));
    assert.notEqual(keyFingerprint(a.publicKey), keyFingerprint(parsed({ key: keyNumber(1) }).publicKey));
  });
});

describe('extensions as plain data', () => {
  test('names of every form', () => {
    const directory = name('CN=x');
    const entries = [
      { dns: 'a.example' },
      { email: 'a@b.example' },
      { uri: 'urn:x' },
      { ip: [1, 2, 3, 4] },
      { directory },
      { registeredId: '1.2.3' },
      { other: '1.2.3.4' },
    ];
    const kinds = withExtensions(ext.subjectAltName(entries)).subjectAltName?.map(({ kind }) => kind);
    assert.deepEqual(kinds, [
      'dNSName',
      'rfc822Name',
      'uniformResourceIdentifier',
      'iPAddress',
      'directoryName',
      'registeredID',
      'otherName',
    ]);
  });

  test('policies, mappings and constraints', () => {
    const found = withExtensions(
      ext.certificatePolicies(['1.2.3', '2.5.29.32.0']),
      ext.policyMappings([['1.2.3', '1.2.4']]),
      ext.policyConstraints(0, 5),
      ext.inhibitAnyPolicy(2),
    );
    assert.deepEqual(
      found.certificatePolicies?.map(({ policy }) => policy),
      ['1.2.3', '2.5.29.32.0'],
    );
    assert.deepEqual(found.policyMappings, [{ issuerDomainPolicy: '1.2.3', subjectDomainPolicy: '1.2.4' }]);
    assert.deepEqual(found.policyConstraints, { requireExplicitPolicy: 0, inhibitPolicyMapping: 5 });
    assert.equal(found.inhibitAnyPolicy, 2);
  });

  test('name constraints, permitted and excluded', () => {
    const found = withExtensions(ext.nameConstraints({ permitted: [{ dns: 'a' }], excluded: [{ dns: 'b' }] }));
    assert.deepEqual(found.nameConstraints, {
      permitted: [{ base: { kind: 'dNSName', value: 'a' }, minimum: 0 }],
      excluded: [{ base: { kind: 'dNSName', value: 'b' }, minimum: 0 }],
    });
  });

  test('distribution points with reasons, issuer and relative name', () => {
    const point = der.sequence(
      der.explicit(0, der.explicit(1, attributeOf('CN=x'))),
      der.implicit(1, Buffer.from([1, 0x40 | 0x02])),
      der.explicit(2, ext.generalName({ directory: name('CN=crl') })),
    );
    const [found] =
      withExtensions(ext.extension('cRLDistributionPoints', der.sequence(point))).cRLDistributionPoints ?? [];
    assert.equal(found?.name?.kind, 'nameRelativeToCRLIssuer');
    assert.deepEqual(found?.reasons, ['keyCompromise', 'certificateHold']);
    assert.equal(found?.cRLIssuer?.[0]?.kind, 'directoryName');
  });

  test('authority key identifiers in full', () => {
    const value = der.sequence(
      der.implicit(0, Buffer.from([1, 2])),
      der.explicit(1, ext.generalName({ directory: name('CN=x') })),
      der.implicit(2, Buffer.from([0x0f])),
    );
    const found = withExtensions(ext.extension('authorityKeyIdentifier', value)).authorityKeyIdentifier;
    assert.deepEqual([...(found?.keyIdentifier ?? [])], [1, 2]);
    assert.deepEqual([found?.issuer?.length, found?.serialNumber], [1, 'f']);
  });

  test('unknown ones as octets, duplicates by name, criticality for each', () => {
    const found = withExtensions(
      ext.extension('1.2.3.4', Buffer.from('anything'), true),
      ext.keyUsage(['digitalSignature']),
      ext.keyUsage(['keyCertSign'], false),
    );
    assert.equal(Buffer.from(found.all[0]?.value ?? []).toString(), 'anything');
    assert.deepEqual(found.duplicates, ['2.5.29.15']);
    assert.deepEqual(found.keyUsage, ['digitalSignature']);
    assert.ok(isCritical(found, 'keyUsage') && found.all[0]?.critical);
  });

  test('an encoded FALSE in basicConstraints is tolerated and grants nothing', () => {
    const value = der.sequence(der.boolean(false));
    assert.deepEqual(withExtensions(ext.extension('basicConstraints', value)).basicConstraints, { ca: false });
  });
});

function attributeOf(text: string): Uint8Array {
  // The content of the one SET in the name: an AttributeTypeAndValue.
  const bytes = name(text);
  return bytes.subarray(4);
}

describe('a malformed certificate is refused by the name of its field', () => {
  test('versions', () => {
    const good = mint({ extensions: null }).der;
    const at = Buffer.from(good).indexOf('a003020102', 0, 'hex');
    for (const wrong of [0, 3, 0x80]) {
      const bytes = Uint8Array.from(good);
      bytes[at + 4] = wrong;
      assert.throws(() => parseCertificate(bytes), /tbsCertificate\.version/);
    }
  });

  test('validity', () => {
    const bad = der.tlv(0x17, Buffer.from('2601010000Z'));
    refused('certificate.tbsCertificate.validity.notBefore', { notBefore: bad });
    refused('certificate.tbsCertificate.validity.notAfter', { notAfter: bad });
  });

  test('serial numbers', () => {
    refused('certificate.tbsCertificate.serialNumber', { serial: Buffer.from([0, 1]) });
    refused('certificate.tbsCertificate.serialNumber', { serial: new Uint8Array() });
  });

  test('names', () => {
    const [empty, issuer] = [der.sequence(der.set()), 'CN=x'];
    refused('certificate.tbsCertificate.subject.relativeDistinguishedName', { issuer, subject: empty });
    const latin = der.sequence(der.set(der.sequence(der.oid('2.5.4.3'), der.printable('a@b'))));
    refused('certificate.tbsCertificate.subject.relativeDistinguishedName.attribute.CN', {
      issuer,
      subject: latin,
    });
  });

  for (const [what, extension, field] of [
    ['an empty extendedKeyUsage', ext.extKeyUsage([]), 'extKeyUsage'],
    ['an empty subjectAltName', ext.subjectAltName([]), 'subjectAltName'],
    ['a subjectAltName that is no DER', ext.extension('subjectAltName', Buffer.from('example.com')), 'subjectAltName'],
    ['empty nameConstraints', ext.nameConstraints({}), 'nameConstraints'],
    ['an empty permittedSubtrees', ext.nameConstraints({ permitted: [] }), 'nameConstraints.permittedSubtrees'],
    ['empty policyConstraints', ext.policyConstraints(), 'policyConstraints'],
    ['empty policies', ext.certificatePolicies([]), 'certificatePolicies'],
    ['a policy named twice', ext.certificatePolicies(['1.2.3', '1.2.3']), 'certificatePolicies'],
    ['empty mappings', ext.policyMappings([]), 'policyMappings'],
    ['a negative pathLenConstraint', negativePathLength(), 'basicConstraints.pathLenConstraint'],
    ['a negative skipCerts', ext.extension('inhibitAnyPolicy', der.integer(-1)), 'inhibitAnyPolicy'],
    ['trailing data', ext.extension('inhibitAnyPolicy', Buffer.from('02010000', 'hex')), 'extension.inhibitAnyPolicy'],
    ['a dNSName beyond ASCII', ext.subjectAltName([{ dns: 'é.example' }]), 'subjectAltName.generalName'],
    [
      'a name of no form',
      ext.extension('subjectAltName', der.sequence(der.implicit(9, Buffer.from([1])))),
      'subjectAltName.generalName',
    ],
    [
      'an empty distribution point',
      ext.extension('cRLDistributionPoints', der.sequence(der.sequence())),
      'cRLDistributionPoints.distributionPoint',
    ],
  ] as const)
    test(what, () => refused(inExtension(field), { extensions: [extension] }));

  test('an encoded critical FALSE', () => {
    const value = der.sequence(der.oid('1.2.3'), der.boolean(false), der.octets(Buffer.alloc(0)));
    refused(inExtension('extension.critical'), { extensions: [value] });
  });

  test('anything after the end', () => {
    const bytes = Buffer.concat([mint({}).der, Buffer.from([0])]);
    assert.throws(() => parseCertificate(bytes), /^DerError: certificate: holds more than it should/);
  });

  test('anything that is no certificate', () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('hello'), der.sequence(), Buffer.alloc(200_000, 0x30)])
      assert.throws(() => parseCertificate(bytes), DerError);
  });
});

function negativePathLength(): Uint8Array {
  return ext.extension('basicConstraints', der.sequence(der.boolean(true), der.integer(-1)));
}
