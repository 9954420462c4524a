import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import { parseHnbFqdn, parseIdentityName, parseOuiSerial } from '../../src/fleet/identity.ts';
import type { Extension } from '../../src/simulator/certificate-minting.ts';
import { type IdentityPolicy, identify, isWithinRealm } from '../../src/trust/identity.ts';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { implicit, sequence } from '../x509/der-writer.ts';
import { type CellOrder, newCell, newPki, type Pki } from './world.ts';

const acme: IdentityPolicy = {
  name: 'acme',
  identity: ['san-dns-hnb', 'cn-hnb-fqdn', 'cn-oui-serial'],
  realms: ['hnb.acme.example', 'acme.test'],
};

/** `kind value`, or the reason. */
function say(result: ReturnType<typeof identify>): string {
  return result.ok ? `${result.identity.kind} ${result.identity.value}` : result.reason;
}

describe('the identity that a certificate proves', () => {
  let pki: Pki;
  before(async () => {
    pki = await newPki();
  });
  const leafOf = async (order: CellOrder) => {
    const [der] = (await newCell(pki, order)).chain;
    assert.ok(der !== undefined);
    return parseCertificate(der);
  };
  const identityOf = async (order: CellOrder, anchor = acme) => say(identify(await leafOf(order), anchor));

  test('is the HNB name of subjectAltName, in lower case, EUI-48 or EUI-64', async () => {
    assert.equal(
      await identityOf({ dnsNames: ['00A0BC123456.HNB.Acme.Example'] }),
      'hnb-fqdn 00a0bc123456.hnb.acme.example',
    );
    assert.equal(
      await identityOf({ dnsNames: ['00a0bcfffe123456.hnb.acme.example'] }),
      'hnb-fqdn 00a0bcfffe123456.hnb.acme.example',
    );
  });

  test('carries the OUI as a hint', async () => {
    const result = identify(await leafOf({ dnsNames: ['00a0bc123456.hnb.acme.example'] }), acme);
    assert.equal(result.ok && result.identity.oui, '00A0BC');
  });

  test('other names beside it do not matter, nor does the same name twice', async () => {
    const name = '00a0bc123456.hnb.acme.example';
    assert.equal(await identityOf({ dnsNames: ['www.acme.example', name, name.toUpperCase()] }), `hnb-fqdn ${name}`);
  });

  test('falls back to the common name, FQDN before OUI and serial', async () => {
    assert.equal(
      await identityOf({ commonNames: ['00a0bc123456.hnb.acme.example'] }),
      'hnb-fqdn 00a0bc123456.hnb.acme.example',
    );
    assert.equal(await identityOf({ commonNames: ['00d09e-0123456789'] }), 'oui-serial 00D09E-0123456789');
    assert.equal(await identityOf({ commonNames: ['012345-STB-0123456789'] }), 'oui-serial 012345-STB-0123456789');
  });

  test('the first rule that yields a value decides, whatever the later ones would say', async () => {
    const order = { dnsNames: ['00a0bc123456.hnb.acme.example'], commonNames: ['00a0bcffffff.hnb.acme.example'] };
    assert.equal(await identityOf(order), 'hnb-fqdn 00a0bc123456.hnb.acme.example');
    const reversed = { ...acme, identity: ['cn-hnb-fqdn', 'san-dns-hnb'] as const };
    assert.equal(await identityOf(order, reversed), 'hnb-fqdn 00a0bcffffff.hnb.acme.example');
  });

  test('two different values under one rule are ambiguous', async () => {
    assert.equal(
      await identityOf({ dnsNames: ['00a0bc123456.hnb.acme.example', '00a0bc123457.hnb.acme.example'] }),
      'identity_ambiguous',
    );
    assert.equal(
      await identityOf({ dnsNames: ['00a0bc123456.hnb.acme.example', '00a0bc123456.hnb.evil.example'] }),
      'identity_ambiguous',
    );
    assert.equal(await identityOf({ commonNames: ['00d09e-1', '00d09e-2'] }), 'identity_ambiguous');
  });

  test('no value is no identity', async () => {
    assert.equal(await identityOf({}), 'identity_missing');
    assert.equal(await identityOf({ dnsNames: ['00a0bc12345.hnb.acme.example'] }), 'identity_missing');
    assert.equal(
      await identityOf({ commonNames: ['00d09e-0123456789'] }, { ...acme, identity: ['san-dns-hnb'] }),
      'identity_missing',
    );
  });

  test('a realm is permitted label by label from the right', async () => {
    const inRealm = (realm: string) => identityOf({ dnsNames: [`00a0bc123456.${realm}`] });
    assert.match(await inRealm('hnb.acme.example'), /^hnb-fqdn/);
    assert.match(await inRealm('north.hnb.acme.example'), /^hnb-fqdn/);
    assert.equal(await inRealm('evilhnb.acme.example'), 'realm_not_permitted');
    assert.equal(await inRealm('hnb.acme.example.evil.example'), 'realm_not_permitted');
    assert.equal(await inRealm('acme.example'), 'realm_not_permitted');
    assert.equal(isWithinRealm('xacme.test', 'acme.test'), false);
  });

  test('an anchor without realms speaks for no FQDN', async () => {
    assert.equal(
      await identityOf({ dnsNames: ['00a0bc123456.hnb.acme.example'] }, { ...acme, realms: [] }),
      'realm_not_permitted',
    );
  });

  test('names made to deceive are no identities', async () => {
    const raw = (bytes: Buffer): Extension => ({
      oid: '2.5.29.17',
      critical: false,
      value: sequence(implicit(2, bytes)),
    });
    const nul = Buffer.from('00a0bc123456.hnb.acme.example\0.evil.example', 'latin1');
    assert.equal(await identityOf({ extensions: [raw(nul)] }), 'identity_missing');
    for (const name of [
      '00a0bc123456.hnb.acme.example\0',
      '\u202e00a0bc123456.hnb.acme.example',
      '00a0bc123456.hnb.acme.example\n',
      '00a0bc123456.hnb.acme.example.',
      '00a0bc123456.hnb.acme\u3002example',
      '00d09e-%00',
      '00d09e-a%E2%80%AEb',
      '00d09e-%C0%AF',
      '00d09e-%zz',
      '00d09e-a b',
      '00d09e--1',
      '00d09e-',
      '00d09e-a-b-c',
      `00d09e-${'9'.repeat(65)}`,
      'A'.repeat(65_536),
      `00a0bc123456.${'a.'.repeat(30_000)}example`,
    ])
      assert.equal(await identityOf({ commonNames: [name] }), 'identity_missing', name.slice(0, 40));
  });

  test('percent-decoding never makes one value of two names', () => {
    assert.notEqual(parseOuiSerial('00D09E-A%2DB-C')?.value, parseOuiSerial('00D09E-A-B%2DC')?.value);
    assert.equal(parseOuiSerial('00d09e-%41')?.value, '00D09E-A');
    assert.deepEqual(parseOuiSerial('00d09e-P%20C-S%2F1')?.names, {
      oui: '00D09E',
      productClass: 'P C',
      serialNumber: 'S/1',
    });
    const part = fc.string({ unit: fc.constantFrom(...'aA0-._~%/ é€'), minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(part, part, part, part, (a, b, c, d) => {
        const encode = (text: string): string => encodeURIComponent(text).replaceAll('-', '%2D');
        const one = parseOuiSerial(`00D09E-${encode(a)}-${encode(b)}`);
        const other = parseOuiSerial(`00D09E-${encode(c)}-${encode(d)}`);
        assert.equal(one?.value === other?.value, a === c && b === d);
      }),
    );
  });

  test('what is read is read again from its own value', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (text) => {
        const parsed = parseIdentityName(text);
        if (parsed !== undefined) assert.deepEqual(parseIdentityName(parsed.value), parsed);
      }),
    );
    assert.equal(parseHnbFqdn('00a0bc123456.single'), undefined);
  });
});
