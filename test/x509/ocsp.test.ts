import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { certIdOf } from '../../src/x509/ocsp-cert-id.ts';
import { defaultOcspRules, judgeOcspResponse, type OcspRules } from '../../src/x509/ocsp-judgement.ts';
import { writeOcspRequest } from '../../src/x509/ocsp-request.ts';
import { looksLikeOcspResponse } from '../../src/x509/ocsp-response.ts';
import * as der from './der-writer.ts';
import { algorithms, keyNumber, mint, name, now } from './minting.ts';
import * as ext from './minting-extensions.ts';
import {
  ca,
  delegate,
  device,
  errorResponse,
  minutes,
  nonceExtension,
  ocspSigning,
  type ResponseOptions,
  response,
  single,
  wrap,
} from './ocsp-minting.ts';

const subject = { certificate: device.certificate, issuer: ca.certificate };

function judge(bytes: Uint8Array, rules: Partial<OcspRules> = {}, at = now) {
  return judgeOcspResponse(bytes, subject, { ...defaultOcspRules, ...rules }, at);
}

/** `good`, `revoked`, or why it is unknown. */
function said(bytes: Uint8Array | ResponseOptions, rules: Partial<OcspRules> = {}, at = now): string {
  const { status } = judge(bytes instanceof Uint8Array ? bytes : response(bytes), rules, at);
  return status.kind === 'unknown' ? status.cause : status.kind;
}

describe('what an answer says', () => {
  test('good, revoked with its time and reason, unknown', () => {
    assert.deepEqual(judge(response()).status, { kind: 'good', thisUpdate: minutes(-10), nextUpdate: minutes(60) });
    const revoked = judge(response({ singles: [single({ status: { revokedAt: minutes(-90), reason: 1 } })] }));
    assert.deepEqual(revoked.status, {
      kind: 'revoked',
      revokedAt: minutes(-90),
      reason: 'keyCompromise',
      thisUpdate: minutes(-10),
      nextUpdate: minutes(60),
    });
    assert.equal(said({ singles: [single({ status: 'unknown' })] }), 'responder-unknown');
  });

  test('an error status is nobody’s word: the responder is not available, whatever else stands there', () => {
    for (const status of [1, 2, 3, 5, 6])
      assert.equal(said(errorResponse(status)), 'responder-unavailable', `${status}`);
    assert.equal(said(errorResponse(4)), 'malformed');
    assert.equal(said(errorResponse(17)), 'malformed');
    assert.equal(judge(errorResponse(3)).responseStatus, 'tryLater');
  });

  test('the answer is told from a certificate by its first element', () => {
    assert.ok(looksLikeOcspResponse(response()) && looksLikeOcspResponse(errorResponse(6)));
    assert.ok(!looksLikeOcspResponse(device.der) && !looksLikeOcspResponse(Buffer.from('-----')));
  });
});

describe('whom an answer is about (RFC 6960 3.2 (1))', () => {
  const other = mint({ subject: 'CN=other', key: keyNumber(13), by: ca, extensions: [] });
  const stranger = mint({ subject: 'O=Acme/CN=Issuing', key: keyNumber(14), extensions: ext.caExtensions(0) });

  test('CertIDs by any SHA that hems knows, and no other', () => {
    for (const hash of ['sha1', 'sha256', 'sha384', 'sha512'] as const)
      assert.equal(said({ singles: [single({ hash })] }), 'good', hash);
    assert.equal(said({ singles: [single({ hash: 'md5' })] }), 'out-of-scope');
  });

  test('each field of the CertID must match', () => {
    const wrong = Buffer.alloc(20, 7);
    assert.equal(said({ singles: [single({ about: other })] }), 'out-of-scope');
    assert.equal(said({ singles: [single({ nameHash: wrong })] }), 'out-of-scope');
    assert.equal(said({ singles: [single({ keyHash: wrong })] }), 'out-of-scope');
    assert.equal(said({ singles: [single({ serial: Uint8Array.of(5) })] }), 'out-of-scope');
    assert.equal(said({ singles: [single({ issuer: stranger })] }), 'out-of-scope');
    assert.equal(said({ singles: [] }), 'out-of-scope');
  });

  test('a CA of another name did not issue the certificate, whatever its key', () => {
    const renamed = mint({ subject: 'O=Acme/CN=Else', key: keyNumber(10), extensions: [] });
    const { status } = judgeOcspResponse(
      response({ responder: 'byKey' }),
      { certificate: device.certificate, issuer: renamed.certificate },
      defaultOcspRules,
      now,
    );
    assert.equal(status.kind === 'unknown' && status.cause, 'out-of-scope');
  });

  test('the answer is found among others', () => {
    assert.equal(said({ singles: [single({ about: other, status: {} }), single()] }), 'good');
  });

  test('of answers that contradict each other the gravest counts, in either order', () => {
    const good = single();
    const revoked = single({ status: {} });
    const unknown = single({ status: 'unknown', hash: 'sha256' });
    assert.equal(said({ singles: [good, revoked] }), 'revoked');
    assert.equal(said({ singles: [revoked, good] }), 'revoked');
    assert.equal(said({ singles: [good, unknown] }), 'responder-unknown');
    assert.equal(said({ singles: [unknown, good] }), 'responder-unknown');
    assert.equal(said({ singles: [unknown, good, revoked] }), 'revoked');
    assert.equal(said({ singles: [good, single({ hash: 'sha256' })] }), 'good');
  });
});

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

describe('when an answer counts (RFC 6960 3.2 (5), (6))', () => {
  test('until nextUpdate, which must be later than now', () => {
    assert.equal(said({ singles: [single({ nextUpdate: minutes(1) })] }), 'good');
    assert.equal(said({ singles: [single({ nextUpdate: now })] }), 'stale');
    assert.equal(said({ singles: [single({ status: {}, nextUpdate: minutes(-1) })] }), 'stale');
    assert.equal(said({ singles: [single({ nextUpdate: minutes(-1) })] }, { grace: 120_000 }), 'good');
    assert.equal(said({ singles: [single({ nextUpdate: minutes(-3) })] }, { grace: 120_000 }), 'stale');
  });

  test('thisUpdate and producedAt may be five minutes ahead, no more', () => {
    assert.equal(said({ singles: [single({ thisUpdate: minutes(4) })] }), 'good');
    assert.equal(said({ singles: [single({ thisUpdate: minutes(6) })] }), 'not-yet-valid');
    assert.equal(said({ producedAt: minutes(6) }), 'not-yet-valid');
    assert.equal(said({ singles: [single({ thisUpdate: minutes(6) })] }, { skew: 600_000 }), 'good');
  });

  test('no older than maxAge, however far nextUpdate is; an hour where there is no nextUpdate', () => {
    const old = single({ thisUpdate: minutes(-600), nextUpdate: minutes(6000) });
    assert.equal(said({ singles: [old] }), 'good');
    assert.equal(said({ singles: [old] }, { maxAge: 3_600_000 }), 'stale');
    const open = (ago: number) => ({ singles: [single({ thisUpdate: minutes(-ago), nextUpdate: null })] });
    assert.equal(said(open(59)), 'good');
    assert.equal(said(open(61)), 'stale');
    assert.equal(said(open(600), { maxAge: 86_400_000 }), 'good');
  });

  test('validUntil is the earlier end', () => {
    assert.deepEqual(judge(response()).validUntil, minutes(60));
    assert.deepEqual(judge(response(), { maxAge: 30 * 60_000 }).validUntil, minutes(20));
  });

  test('a nextUpdate before thisUpdate, a UTCTime and a time that is none are refused', () => {
    assert.equal(said({ singles: [single({ thisUpdate: minutes(-10), nextUpdate: minutes(-20) })] }), 'malformed');
    assert.equal(said({ singles: [single({ thisUpdate: der.time(now) })] }), 'malformed');
    assert.equal(said(response(), {}, new Date(Number.NaN)), 'not-yet-valid');
  });
});

describe('critical extensions', () => {
  const unknown = ext.extension('1.2.3.4', der.nothing(), true);
  const harmless = ext.extension('1.2.3.4', der.nothing());

  test('one that nobody knows makes the answer useless; one that is not critical does not', () => {
    assert.equal(said({ extensions: [unknown] }), 'critical-extension');
    assert.equal(said({ extensions: [harmless] }), 'good');
    assert.equal(said({ singles: [single({ extensions: [unknown] })] }), 'critical-extension');
    assert.equal(said({ singles: [single({ extensions: [harmless] })] }), 'good');
    assert.equal(
      said({ singles: [single({ extensions: [unknown] }), single({ hash: 'sha256' })] }),
      'critical-extension',
    );
  });

  test('those whose meaning is known may be critical', () => {
    const cutoff = ext.extension('1.3.6.1.5.5.7.48.1.6', der.time(now), true);
    const timestamps = ext.extension('1.3.6.1.4.1.11129.2.4.5', der.octets(Buffer.alloc(3)), true);
    assert.equal(said({ singles: [single({ extensions: [cutoff, timestamps] })] }), 'good');
    assert.equal(said({ extensions: [ext.extension('1.3.6.1.5.5.7.48.1.9', der.nothing(), true)] }), 'good');
    assert.equal(said({ extensions: [timestamps] }), 'critical-extension', 'but only where they belong');
  });

  test('the same extension twice is refused', () => {
    assert.equal(said({ extensions: [harmless, harmless] }), 'malformed');
    assert.equal(said({ extensions: [] }), 'malformed');
  });
});

describe('the nonce (RFC 9654)', () => {
  const sent = Buffer.alloc(32, 5);
  const answer = (nonce?: Uint8Array) => ({ ...(nonce === undefined ? {} : { extensions: [nonceExtension(nonce)] }) });

  test('sent and come back', () => {
    for (const mode of ['prefer', 'require'] as const)
      assert.equal(said(answer(sent), { nonce: { sent, mode } }), 'good');
    assert.equal(said({ extensions: [nonceExtension(sent, true)] }, { nonce: { sent, mode: 'require' } }), 'good');
  });

  test('another one is refused, a missing one only where it is required', () => {
    const wrong = Buffer.alloc(32, 6);
    for (const mode of ['prefer', 'require'] as const) {
      assert.equal(said(answer(wrong), { nonce: { sent, mode } }), 'nonce-mismatch');
      assert.equal(said(answer(sent.subarray(1)), { nonce: { sent, mode } }), 'nonce-mismatch');
      const bare = ext.extension('1.3.6.1.5.5.7.48.1.2', sent);
      assert.equal(said({ extensions: [bare] }, { nonce: { sent, mode } }), 'nonce-mismatch');
    }
    assert.equal(said(answer(), { nonce: { sent, mode: 'prefer' } }), 'good');
    assert.equal(said(answer(), { nonce: { sent, mode: 'require' } }), 'nonce-mismatch');
  });

  test('none was sent: whatever comes is not looked at', () => {
    assert.equal(said(answer(sent)), 'good');
  });
});

describe('requests (RFC 6960 4.1)', () => {
  const id = (hash: 'sha1' | 'sha256') => certIdOf(device.certificate, ca.certificate, hash);

  test('one CertID, the nonce as an OCTET STRING in the OCTET STRING', () => {
    const bare = writeOcspRequest(id('sha1'));
    const withNonce = writeOcspRequest(id('sha1'), Buffer.alloc(32, 1));
    const answered = single().subarray(2);
    const certId = answered.subarray(0, 2 + (answered[1] ?? 0));
    assert.ok(Buffer.from(bare).includes(Buffer.from(certId)), 'the CertID of the answers');
    assert.ok(Buffer.from(withNonce).includes(Buffer.from([0x04, 0x22, 0x04, 0x20])));
    assert.ok(writeOcspRequest(id('sha256')).length > bare.length);
    assert.throws(() => writeOcspRequest(id('sha1'), Buffer.alloc(16)), RangeError);
  });

  test('serial numbers as they are: high bit, zero, negative, long', () => {
    for (const serial of [
      0n,
      1n,
      127n,
      128n,
      255n,
      256n,
      -1n,
      -128n,
      -129n,
      (1n << 159n) - 1n,
      1n << 158n,
      -(1n << 71n),
    ]) {
      const minted = mint({ subject: 'CN=d', key: keyNumber(11), by: ca, serial, extensions: [] });
      const request = writeOcspRequest(certIdOf(parseCertificate(minted.der), ca.certificate, 'sha1'));
      assert.ok(Buffer.from(request).includes(Buffer.from(der.integer(serial))), String(serial));
    }
  });
});

describe('broken answers', () => {
  test('are named by their field and never believed', () => {
    const detail = (bytes: Uint8Array): string => {
      const { status } = judge(bytes);
      assert.ok(status.kind === 'unknown' && status.cause === 'malformed');
      return status.detail ?? '';
    };
    assert.match(detail(new Uint8Array()), /^ocspResponse/);
    assert.match(detail(der.sequence(der.tlv(0x0a, Uint8Array.of(0)))), /responseStatus/);
    assert.match(detail(response({ responseType: '1.2.3' })), /responseType/);
    assert.match(detail(wrap(der.sequence(der.octets(Buffer.alloc(3))))), /tbsResponseData/);
    assert.match(detail(Buffer.concat([response(), Uint8Array.of(0)])), /ocspResponse/);
    assert.match(detail(response({ singles: [single({ status: der.implicit(3, new Uint8Array()) })] })), /certStatus/);
    assert.match(detail(response({ singles: [single({ status: { reason: 7 } })] })), /revocationReason/);
    assert.match(detail(response({ responder: der.explicit(2, der.octets(Buffer.alloc(19))) })), /responderID/);
    assert.match(detail(response({ certificates: [der.sequence()] })), /certificate/);
    assert.match(detail(response({ certificates: Array.from({ length: 17 }, () => ca.der) })), /certs/);
    assert.match(detail(Buffer.alloc(200_000)), /200000 bytes/);
  });
});
