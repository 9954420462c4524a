import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { defaultOcspRules, judgeOcspResponse } from '../../src/x509/ocsp-judgement.ts';
import * as der from './der-writer.ts';
import { algorithms, keyNumber, mint, name, now } from './minting.ts';
import * as ext from './minting-extensions.ts';
import { judge, said } from './ocsp-judging.ts';
import { ca, delegate, device, minutes, ocspSigning, response, single } from './ocsp-minting.ts';

describe('who may sign (RFC 6960 4.2.2.2)', () => {
  test('the issuing CA itself, named by name or key, with no certificate in the answer', () => {
    assert.equal(said({ responder: 'byName' }), 'good');
    assert.equal(said({ responder: 'byKey' }), 'good');
    assert.equal(said({ certificates: [ca.der] }), 'good');
    assert.deepEqual(judge(response()).signer, { kind: 'issuer' });
  });

  test('a delegate that this very CA appointed', () => {
    const responder = delegate();
    assert.equal(said({ signer: responder }), 'good');
    assert.equal(said({ signer: responder, responder: 'byKey' }), 'good');
    const { signer } = judge(response({ signer: responder }));
    assert.ok(signer?.kind === 'delegate' && !signer.needsRevocationCheck);
    assert.equal(signer.certificate.fingerprint, responder.certificate.fingerprint);
  });

  test('of many who bear its name a few are looked at, so that an answer cannot cost more than so many verifications', () => {
    const strangers = Array.from({ length: 6 }, (_, i) => delegate({ key: keyNumber(40 + i), purposes: [] }).der);
    const responder = delegate();
    assert.equal(said({ signer: responder, certificates: [...strangers.slice(0, 3), responder.der] }), 'good');
    assert.equal(said({ signer: responder, certificates: [...strangers, responder.der] }), 'unauthorized-signer');
  });

  test('the ResponderID must name the signer', () => {
    assert.equal(said({ responder: der.explicit(1, name('CN=somebody else')) }), 'unauthorized-signer');
    assert.equal(said({ responder: der.explicit(2, der.octets(Buffer.alloc(20))) }), 'unauthorized-signer');
    assert.equal(said({ signer: delegate(), responder: der.explicit(1, ca.subject) }), 'bad-signature');
  });

  test('a delegate without the purpose, with another purpose or any purpose is none', () => {
    assert.equal(said({ signer: delegate({ purposes: [] }) }), 'unauthorized-signer');
    assert.equal(said({ signer: delegate({ purposes: [ext.clientAuth] }) }), 'unauthorized-signer');
    assert.equal(said({ signer: delegate({ purposes: [ext.anyPurpose] }) }), 'unauthorized-signer');
    assert.equal(said({ signer: delegate({ purposes: [ext.clientAuth, ocspSigning] }) }), 'good');
  });

  test('a delegate of another CA, of the CA above, or of a namesake is none', () => {
    const root = mint({ subject: 'O=Acme/CN=Root', key: keyNumber(15), extensions: ext.caExtensions() });
    const namesake = mint({ subject: 'O=Acme/CN=Issuing', key: keyNumber(14), extensions: ext.caExtensions(0) });
    assert.equal(said({ signer: delegate({ by: root }) }), 'unauthorized-signer');
    assert.equal(said({ signer: delegate({ by: namesake }) }), 'unauthorized-signer');
    assert.equal(said({ signer: delegate(), certificates: null }), 'unauthorized-signer');
    const below = mint({ subject: 'O=Acme/CN=Below', key: keyNumber(16), by: ca, extensions: ext.caExtensions() });
    assert.equal(
      said({ signer: delegate({ by: below }), certificates: [delegate({ by: below }).der, below.der] }),
      'unauthorized-signer',
    );
  });

  test('keyUsage of a delegate must let it sign; unknown critical extensions take its right away', () => {
    assert.equal(said({ signer: delegate({ extensions: [ext.keyUsage(['digitalSignature'])] }) }), 'good');
    assert.equal(
      said({ signer: delegate({ extensions: [ext.keyUsage(['keyEncipherment'])] }) }),
      'unauthorized-signer',
    );
    const critical = ext.extension('1.2.3.4', der.nothing(), true);
    assert.equal(said({ signer: delegate({ extensions: [critical] }) }), 'unauthorized-signer');
  });

  test('a delegate must be valid now and when the answer was produced', () => {
    assert.equal(said({ signer: delegate({ notAfter: minutes(-1) }), producedAt: minutes(-5) }), 'unauthorized-signer');
    assert.equal(said({ signer: delegate({ notBefore: minutes(1) }) }), 'unauthorized-signer');
    assert.equal(
      said({ signer: delegate({ notBefore: minutes(-3) }), producedAt: minutes(-5) }),
      'unauthorized-signer',
    );
  });

  test('an answer of the CA must be produced within the validity of the CA, unless an expired anchor is accepted', () => {
    const young = mint({ subject: 'O=Acme/CN=Issuing', key: keyNumber(10), notBefore: minutes(-2), extensions: [] });
    const ask = (issuerValidity: 'check' | 'ignore') =>
      judgeOcspResponse(
        response(),
        { certificate: device.certificate, issuer: young.certificate },
        { ...defaultOcspRules, issuerValidity },
        now,
      ).status.kind;
    assert.equal(ask('check'), 'unknown');
    assert.equal(ask('ignore'), 'good');
  });

  test('a delegate without id-pkix-ocsp-nocheck is believed as far as its own revocation is known', () => {
    const signer = delegate({ marked: false });
    const fresh = { kind: 'good', thisUpdate: now } as const;
    assert.equal(said({ signer }, { unmarkedDelegates: 'refuse' }), 'unauthorized-signer');
    assert.equal(said({ signer }, { unmarkedDelegates: 'accept' }), 'good');
    assert.equal(said({ signer }, { unmarkedDelegates: () => fresh }), 'good');
    assert.equal(said({ signer }, { unmarkedDelegates: () => undefined }), 'unauthorized-signer');
    const revoked = { kind: 'revoked', revokedAt: now, reason: 'keyCompromise', thisUpdate: now } as const;
    assert.equal(said({ signer }, { unmarkedDelegates: () => revoked }), 'unauthorized-signer');
    const asked = judge(response({ signer }), { unmarkedDelegates: () => undefined }).signer;
    assert.ok(asked?.kind === 'delegate' && asked.needsRevocationCheck, 'whoever asks learns whom to ask about');
    const forged = judge(response({ signer, key: keyNumber(17) }), { unmarkedDelegates: () => undefined });
    assert.ok(forged.status.kind === 'unknown' && forged.status.cause === 'bad-signature');
    assert.equal(forged.signer, undefined, 'nobody is sent to ask about a forgery');
  });

  test('a configured responder may be anybody, embedded or not, within its validity', () => {
    const own = mint({ subject: 'O=Operator/CN=OCSP', key: keyNumber(18), extensions: [] });
    const configured = [own.certificate];
    assert.equal(said({ signer: own, certificates: null }), 'unauthorized-signer');
    assert.equal(said({ signer: own, certificates: null }, { configured }), 'good');
    assert.equal(said({ signer: own, certificates: null, responder: 'byKey' }, { configured }), 'good');
    assert.equal(said({}, { configured }), 'good');
    assert.equal(said({ signer: own, key: keyNumber(19), certificates: null }, { configured }), 'bad-signature');
    assert.equal(
      said({ signer: own, certificates: null }, { configured }, new Date('2051-01-01')),
      'unauthorized-signer',
    );
  });

  test('a changed answer and a changed signature are seen', () => {
    const lie = (tbs: Buffer): Uint8Array => {
      const at = tbs.lastIndexOf(Buffer.from([0x80, 0x00]));
      tbs[at] = 0x82;
      return tbs;
    };
    assert.equal(said({ forge: lie, singles: [single({ status: 'good' })] }), 'bad-signature');
    assert.equal(said({ key: keyNumber(19) }), 'bad-signature');
  });

  test('the signature counts over the octets as they came, also where they are no DER that we would write', () => {
    assert.equal(said({ version: 0 }), 'good', 'the default version spelt out');
    assert.equal(said({ version: 1 }), 'malformed');
  });

  test('MD5 never, SHA-1 only where the source may', () => {
    const rsa = mint({ subject: 'O=Acme/CN=Issuing', key: keyNumber(20, 'rsa-2048'), extensions: ext.caExtensions(0) });
    const certificate = mint({ subject: 'CN=d', key: keyNumber(11), by: rsa, extensions: [] });
    const ask = (algorithm: (typeof algorithms)[keyof typeof algorithms], sha1: 'refuse' | 'allow') => {
      const bytes = response({
        signer: rsa,
        certificates: null,
        algorithm,
        singles: [single({ about: certificate, issuer: rsa })],
      });
      const subject = { certificate: certificate.certificate, issuer: rsa.certificate };
      const { status } = judgeOcspResponse(bytes, subject, { ...defaultOcspRules, sha1 }, now);
      return status.kind === 'unknown' ? status.cause : status.kind;
    };
    assert.equal(ask(algorithms['rsa-sha256'], 'refuse'), 'good');
    assert.equal(ask(algorithms['rsa-sha1'], 'refuse'), 'weak-signature');
    assert.equal(ask(algorithms['rsa-sha1'], 'allow'), 'good');
    assert.equal(ask(algorithms['rsa-md5'], 'allow'), 'weak-signature');
    const weak = delegate({ algorithm: algorithms['ecdsa-sha1'] });
    assert.equal(said({ signer: weak }), 'weak-signature');
    assert.equal(said({ signer: weak }, { sha1: 'allow' }), 'good');
    const short = delegate({ key: keyNumber(21, 'rsa-1024') });
    assert.equal(said({ signer: short, algorithm: algorithms['rsa-sha256'] }), 'weak-signature');
  });
});
