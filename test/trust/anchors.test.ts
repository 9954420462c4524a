import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type Extension, pem } from '../../src/simulator/certificate-minting.ts';
import { loadAnchors } from '../../src/trust/anchors.ts';
import { DEVELOPMENT_MARK_OID } from '../../src/x509/development-mark.ts';
import { anchorConfig, newCell, newPki, now, type Pki } from './world.ts';

describe('trust anchors from the configuration', () => {
  let pki: Pki;
  before(async () => {
    pki = await newPki();
  });

  const load = (
    configs: Parameters<typeof loadAnchors>[0],
    files: Readonly<Record<string, string>>,
    options: { at?: Date; production?: boolean } = {},
  ) =>
    loadAnchors(configs, {
      readFile: (path) => {
        const text = files[path];
        if (text !== undefined) return Promise.resolve(text);
        return Promise.reject(
          Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), {
            code: 'ENOENT',
            syscall: 'open',
          }),
        );
      },
      at: options.at ?? now,
      production: options.production ?? true,
    });
  const root = (name: 'acme' | 'zenith'): string => pem('CERTIFICATE', pki.authorities[name].root);
  const faultOf = (result: Awaited<ReturnType<typeof loadAnchors>>) => {
    assert.ok(!result.ok);
    const [fault] = result.faults;
    assert.ok(fault !== undefined);
    assert.ok(fault.remedy.length > 20);
    return fault;
  };

  test('are read, with the defaults of their kind', async () => {
    const result = await load([anchorConfig('acme'), anchorConfig('operator')], {
      'acme.pem': root('acme'),
      'operator.pem': root('zenith'),
    });
    assert.ok(result.ok);
    assert.deepEqual(
      result.anchors.map(({ name, onNewKey, path }) => [name, onNewKey, path.certificates.length]),
      [
        ['acme', 'hold', 1],
        ['operator', 'admit', 1],
      ],
    );
  });

  test('a file that is not there is named with its key', async () => {
    const fault = faultOf(
      await load([anchorConfig('acme', { certificates: ['acme.pem', 'gone.pem'] })], { 'acme.pem': root('acme') }),
    );
    assert.equal(fault.key, 'anchors[0].certificates[1]');
    assert.match(fault.cause, /ENOENT.*gone\.pem/);
  });

  test('a file without a certificate is named', async () => {
    for (const text of ['', 'hello', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n']) {
      const fault = faultOf(await load([anchorConfig('acme')], { 'acme.pem': text }));
      assert.equal(fault.key, 'anchors[0].certificates[0]');
      assert.match(fault.cause, /^acme\.pem: /);
    }
  });

  test('a device certificate is no anchor', async () => {
    const [leaf] = (await newCell(pki, {})).chain;
    assert.ok(leaf !== undefined);
    assert.match(faultOf(await load([anchorConfig('acme')], { 'acme.pem': pem('CERTIFICATE', leaf) })).cause, /no CA/);
  });

  test('a rule that the profile does not have is named', async () => {
    const fault = faultOf(
      await load([anchorConfig('acme', { rules: { 'no-such-rule': 'off' } })], { 'acme.pem': root('acme') }),
    );
    assert.equal(fault.key, 'anchors[0].rules.no-such-rule');
  });

  test('one CA certificate belongs to one anchor', async () => {
    const fault = faultOf(
      await load([anchorConfig('acme'), anchorConfig('zenith')], {
        'acme.pem': root('acme'),
        'zenith.pem': root('acme'),
      }),
    );
    assert.equal(fault.key, 'anchors[1].certificates');
    assert.match(fault.cause, /belongs to anchor acme too/);
  });

  test('an anchor of the development PKI is refused in production and taken in development', async () => {
    const mark: Extension = { oid: DEVELOPMENT_MARK_OID, critical: false, value: Buffer.of(5, 0) };
    const [marked] = (await newCell(pki, { extensions: [mark] })).chain;
    assert.ok(marked !== undefined);
    const files = { 'acme.pem': pem('CERTIFICATE', marked) };
    assert.match(faultOf(await load([anchorConfig('acme')], files)).cause, /development PKI/);
    const development = await load([anchorConfig('acme')], files, { production: false });
    assert.match(faultOf(development).cause, /no CA/, 'the mark alone is no fault there');
  });

  test('an expired anchor is a warning: its devices are refused, those of the others are not', async () => {
    const at = new Date('2099-01-01T00:00:00Z');
    const result = await load([anchorConfig('acme')], { 'acme.pem': root('acme') }, { at });
    assert.ok(result.ok);
    assert.match(result.warnings[0]?.cause ?? '', /expired/);
    const meant = await load(
      [anchorConfig('acme', { acceptExpiredAnchor: true })],
      { 'acme.pem': root('acme') },
      { at },
    );
    assert.ok(meant.ok && meant.warnings.length === 0);
  });

  test('all faults are found in one go', async () => {
    const result = await load([anchorConfig('acme'), anchorConfig('zenith')], {});
    assert.ok(!result.ok);
    assert.deepEqual(
      result.faults.map(({ key }) => key),
      ['anchors[0].certificates[0]', 'anchors[1].certificates[0]'],
    );
  });
});
