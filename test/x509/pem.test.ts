import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { PemError, readPem, writePem } from '../../src/x509/pem.ts';

const refused = (text: string, message: RegExp): void =>
  assert.throws(
    () => readPem(text, 'CERTIFICATE'),
    (error) => error instanceof PemError && message.test(error.message),
  );

describe('PEM', () => {
  test('reads back what it writes, whatever stands between the blocks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { minLength: 1, maxLength: 4 }),
        (blocks) => {
          const text = blocks.map((der) => `subject=/CN=x\n${writePem(der, 'CERTIFICATE')}`).join('\r\n\r\n');
          const other = writePem(Buffer.from([1]), 'PRIVATE KEY');
          assert.deepEqual(
            readPem(`${other}${text}${other}`, 'CERTIFICATE').map((b) => [...b]),
            blocks.map((b) => [...b]),
          );
        },
      ),
    );
  });

  test('tells what is wrong, and in which block', () => {
    refused('nothing here', /no block of CERTIFICATE was found/);
    const good = writePem(Buffer.from([1, 2, 3]), 'CERTIFICATE');
    refused(`${good}-----BEGIN CERTIFICATE-----\nAAAA\n`, /block 2 of CERTIFICATE has no end line/);
    for (const body of ['', 'AAA', '@@@@', 'AA==AA==', 'Proc-Type: 4,ENCRYPTED\n\nAAAA'])
      refused(
        `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`,
        /block 1 of CERTIFICATE is not base64/,
      );
  });

  test('reads a bounded amount', () => {
    refused('x'.repeat(8 * 1024 * 1024 + 1), /more than \d+ characters/);
    refused(writePem(Buffer.from([1]), 'CERTIFICATE').repeat(10_001), /more than \d+ blocks/);
  });
});
