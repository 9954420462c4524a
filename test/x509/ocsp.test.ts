import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { defaultOcspRules, judgeOcspResponse } from '../../src/x509/ocsp-judgement.ts';
import * as der from './der-writer.ts';
import { keyNumber, mint, now } from './minting.ts';
import * as ext from './minting-extensions.ts';
import { judge, said } from './ocsp-judging.ts';
import { ca, device, errorResponse, minutes, nonceExtension, response, single, wrap } from './ocsp-minting.ts';

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
