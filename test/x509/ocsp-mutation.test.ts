import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { DerError } from '../../src/x509/der.ts';
import { defaultOcspRules, judgeOcspResponse } from '../../src/x509/ocsp-judgement.ts';
import { parseOcspResponse } from '../../src/x509/ocsp-response.ts';
import * as der from './der-writer.ts';
import { now } from './minting.ts';
import * as ext from './minting-extensions.ts';
import { mutated } from './mutating.ts';
import { ca, delegate, device, nonceExtension, response, single } from './ocsp-minting.ts';

const subject = { certificate: device.certificate, issuer: ca.certificate };

/** Answers that reach every reader. */
const answers = [
  response(),
  response({
    signer: delegate(),
    responder: 'byKey',
    extensions: [nonceExtension(Buffer.alloc(32, 9))],
    singles: [
      single({ status: { reason: 4 }, extensions: [ext.extension('1.3.6.1.5.5.7.48.1.6', der.time(now))] }),
      single({ hash: 'sha256', status: 'unknown' }),
    ],
  }),
];

/** The octets that are signed, as they stand in the answer. */
function signedOctets(answer: Uint8Array): Buffer {
  const parsed = parseOcspResponse(answer);
  assert.ok(parsed.status === 'successful');
  return Buffer.from(parsed.signature.signed);
}

/** Judging never throws, and whatever it believes has the octets that were signed. */
function neverBelievesAnother(original: Uint8Array, bytes: Uint8Array): void {
  const { status } = judgeOcspResponse(bytes, subject, defaultOcspRules, now);
  const believed = status.kind !== 'unknown' || status.cause === 'responder-unknown';
  if (believed) assert.ok(Buffer.from(bytes).includes(signedOctets(original)), 'a lie is believed');
}

describe('answers that were changed on the way', () => {
  test('each octet in turn, and every shorter answer', () => {
    for (const answer of answers) {
      for (let i = 0; i < answer.length; i++)
        for (const flip of [0x01, 0x20, 0x80, 0xff]) {
          const bytes = Uint8Array.from(answer);
          bytes[i] = (bytes[i] ?? 0) ^ flip;
          neverBelievesAnother(answer, bytes);
        }
      for (let length = 0; length < answer.length; length++)
        assert.throws(() => parseOcspResponse(answer.subarray(0, length)), DerError);
    }
  });

  test('octets changed, cut out and put in at random', () => {
    for (const answer of answers)
      fc.assert(
        fc.property(mutated(answer), (bytes) => neverBelievesAnother(answer, bytes)),
        { numRuns: 3000 },
      );
  });

  test('any bytes at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const { status } = judgeOcspResponse(bytes, subject, defaultOcspRules, now);
        assert.equal(status.kind, 'unknown');
      }),
      { numRuns: 2000 },
    );
  });
});
