import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEVELOPMENT_MARK_OID, isDevelopmentCertificate } from '../../src/x509/development-mark.ts';
import * as der from './der-writer.ts';
import { anchorOf, verdict } from './judging.ts';
import { keyNumber, mint } from './minting.ts';
import * as ext from './minting-extensions.ts';

test('the development mark is read in a certificate, and does not keep it from being judged', () => {
  const mark = ext.extension(DEVELOPMENT_MARK_OID, der.nothing());
  const root = mint({ subject: 'CN=Toy', key: keyNumber(0), extensions: [...ext.caExtensions(), mark] });
  const leaf = mint({ key: keyNumber(1), by: root, extensions: ext.deviceExtensions() });
  assert.ok(isDevelopmentCertificate(root.certificate));
  assert.ok(!isDevelopmentCertificate(leaf.certificate));
  assert.equal(verdict([leaf], anchorOf(root)), 'good');
});
