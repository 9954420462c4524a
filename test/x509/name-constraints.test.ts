import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as der from './der-writer.ts';
import { anchorOf, verdict } from './judging.ts';
import { keyNumber, type Minted, mint, name } from './minting.ts';
import * as ext from './minting-extensions.ts';
import type { NameEntry, Subtrees } from './minting-extensions.ts';

const root = mint({ subject: 'CN=Root', key: keyNumber(0), extensions: ext.caExtensions() });
const anchor = anchorOf(root);

function caUnder(by: Minted, subtrees?: Subtrees, subject = 'CN=Constrained', ...more: Uint8Array[]): Minted {
  const extensions = [
    ...ext.caExtensions(),
    ...more,
    ...(subtrees === undefined ? [] : [ext.nameConstraints(subtrees)]),
  ];
  return mint({ subject, key: keyNumber(1), by, extensions });
}

function leafUnder(by: Minted, names: readonly NameEntry[], subject: string | Uint8Array = ''): Minted {
  const extensions = names.length > 0 ? ext.deviceExtensions(ext.subjectAltName(names, true)) : ext.deviceExtensions();
  return mint({ subject, key: keyNumber(2), by, extensions });
}

/** The verdict on a leaf with these names under a CA with these subtrees. */
function held(subtrees: Subtrees, names: NameEntry | readonly NameEntry[], subject: string | Uint8Array = ''): string {
  const ca = caUnder(root, subtrees);
  return verdict([leafUnder(ca, Array.isArray(names) ? names : [names as NameEntry], subject), ca], anchor);
}

/** Whether each name is inside the one subtree: permitted then, and excluded then. */
function inside(base: NameEntry, cases: Readonly<Record<string, boolean>>, entry: (text: string) => NameEntry): void {
  for (const [text, expected] of Object.entries(cases)) {
    assert.equal(
      held({ permitted: [base] }, entry(text)),
      expected ? 'good' : 'name_not_permitted',
      `${text} permitted`,
    );
    assert.equal(held({ excluded: [base] }, entry(text)), expected ? 'name_excluded' : 'good', `${text} excluded`);
  }
}

const unclear = 'name_constraint_unsupported';

describe('dNSName constraints', () => {
  const dns = (text: string): NameEntry => ({ dns: text });

  test('hold for the name itself and everything below it', () => {
    inside(
      dns('acme.example'),
      {
        'acme.example': true,
        'ACME.Example': true,
        'a.acme.example': true,
        'a.b.acme.example': true,
        'xacme.example': false,
        example: false,
        'acme.example.org': false,
      },
      dns,
    );
  });

  test('that are empty hold for every name', () => {
    assert.equal(held({ permitted: [dns('')] }, dns('x.example')), 'good');
    assert.equal(held({ excluded: [dns('')] }, dns('x.example')), 'name_excluded');
  });

  test('meet a wildcard wherever it could stand for a name inside', () => {
    assert.equal(held({ permitted: [dns('acme.example')] }, dns('*.acme.example')), 'good');
    assert.equal(held({ permitted: [dns('x.acme.example')] }, dns('*.acme.example')), 'name_not_permitted');
    assert.equal(held({ excluded: [dns('x.acme.example')] }, dns('*.acme.example')), 'name_excluded');
    assert.equal(held({ excluded: [dns('a.x.acme.example')] }, dns('*.acme.example')), 'good');
    assert.equal(held({ excluded: [dns('example')] }, dns('*.acme.example')), 'name_excluded');
  });

  test('refuse where they or the name are malformed', () => {
    for (const base of ['*.acme.example', '.acme.example', 'acme..example', 'a b'])
      assert.equal(held({ permitted: [dns(base)] }, dns('x.acme.example')), unclear, base);
    assert.equal(held({ permitted: [dns('acme.example')] }, dns('.acme.example')), unclear);
    assert.equal(held({ excluded: [dns('other')] }, dns('acme..example')), unclear);
  });
});

describe('iPAddress constraints', () => {
  const network = (...octets: number[]): NameEntry => ({ ip: octets });
  const v4 = (text: string): NameEntry => ({ ip: text.split('.').map(Number) });

  test('hold for the addresses of the network', () => {
    inside(network(192, 0, 2, 0, 255, 255, 255, 0), { '192.0.2.0': true, '192.0.2.255': true, '192.0.3.0': false }, v4);
    inside(network(10, 64, 0, 0, 255, 192, 0, 0), { '10.64.0.1': true, '10.127.0.1': true, '10.128.0.1': false }, v4);
    inside(network(1, 2, 3, 4, 0, 0, 0, 0), { '9.9.9.9': true }, v4);
  });

  test('ignore the bits of the address that the mask leaves out', () => {
    inside(network(192, 0, 2, 77, 255, 255, 255, 0), { '192.0.2.1': true }, v4);
  });

  test('of one version do not hold for the other', () => {
    const v6 = [0x20, 1, 0xd, 0xb8, ...Array<number>(12).fill(0)];
    const net6 = network(...v6, ...Array<number>(4).fill(255), ...Array<number>(12).fill(0));
    assert.equal(held({ permitted: [net6] }, { ip: [...v6.slice(0, 15), 9] }), 'good');
    assert.equal(held({ permitted: [net6] }, { ip: [0x20, 2, ...v6.slice(2)] }), 'name_not_permitted');
    assert.equal(held({ permitted: [net6] }, v4('192.0.2.1')), 'name_not_permitted');
    assert.equal(held({ excluded: [net6] }, v4('192.0.2.1')), 'good');
  });

  test('refuse where they are no network or the name is no address', () => {
    for (const base of [network(127, 0, 0, 1), network(1, 2, 3, 4, 255, 0, 255, 0), network(1, 2, 3, 4, 253, 0, 0, 0)])
      assert.equal(held({ permitted: [base] }, v4('127.0.0.1')), unclear);
    const base = network(192, 0, 2, 0, 255, 255, 255, 0);
    assert.equal(held({ permitted: [base] }, { ip: [192, 0, 2, 0, 255, 255, 255, 0] }), unclear);
  });
});

describe('rfc822Name constraints', () => {
  const email = (text: string): NameEntry => ({ email: text });

  test('of a mailbox hold for it alone', () => {
    inside(
      email('root@acme.example'),
      {
        'root@acme.example': true,
        'root@ACME.example': true,
        'Root@acme.example': false,
        'x@acme.example': false,
        'root@a.acme.example': false,
      },
      email,
    );
  });

  test('of a host hold for its mailboxes', () => {
    inside(email('acme.example'), { 'x@acme.example': true, 'x@Acme.example': true, 'x@a.acme.example': false }, email);
  });

  test('of a domain hold for the mailboxes of its hosts, not of itself', () => {
    inside(
      email('.acme.example'),
      { 'x@a.acme.example': true, 'x@a.b.acme.example': true, 'x@acme.example': false },
      email,
    );
  });

  test('know no wildcard', () => {
    inside(email('*@acme.example'), { '*@acme.example': true, 'x@acme.example': false }, email);
  });

  test('hold for emailAddress in the subject', () => {
    assert.equal(held({ excluded: [email('acme.example')] }, [], 'CN=1/E=x@acme.example'), 'name_excluded');
    assert.equal(held({ permitted: [email('acme.example')] }, [], 'CN=1/E=x@acme.example'), 'good');
    assert.equal(held({ permitted: [email('acme.example')] }, [], 'CN=1/E=x@other.example'), 'name_not_permitted');
  });

  test('refuse where they or the name are malformed', () => {
    assert.equal(held({ permitted: [email('a@b@acme.example')] }, email('x@acme.example')), unclear);
    for (const wrong of ['a@b@acme.example', 'acme.example', '@acme.example', 'x@', 'x@acme..example'])
      assert.equal(held({ permitted: [email('acme.example')] }, email(wrong)), unclear, wrong);
  });
});

describe('uniformResourceIdentifier constraints', () => {
  const uri = (text: string): NameEntry => ({ uri: text });

  test('hold for the host of the URI', () => {
    inside(
      uri('acme.example'),
      {
        'https://acme.example/x': true,
        'https://user:pw@ACME.example:8443': true,
        'https://a.acme.example/': false,
        'https://other.example/acme.example': false,
        'https://acme.example@other.example/': false,
      },
      uri,
    );
    inside(uri('.acme.example'), { 'ftp://a.acme.example': true, 'ftp://acme.example': false }, uri);
  });

  test('refuse a URI without a host by name (RFC 5280 4.2.1.10)', () => {
    for (const wrong of [
      'urn:acme.example',
      'https://127.0.0.1/',
      'https://[::1]/',
      'mailto:x@acme.example',
      'acme.example',
    ])
      assert.equal(held({ permitted: [uri('acme.example')] }, uri(wrong)), unclear, wrong);
  });
});

describe('directoryName constraints', () => {
  const directory = (text: string): NameEntry => ({ directory: name(text) });

  test('hold for the subject', () => {
    const base = directory('C=DE/O=Acme');
    assert.equal(held({ permitted: [base] }, [], 'C=DE/O=ACME/CN=1'), 'good');
    assert.equal(held({ permitted: [base] }, [], 'C=DE/O=Other/CN=1'), 'name_not_permitted');
    assert.equal(held({ excluded: [base] }, [], 'C=DE/O=Acme'), 'name_excluded');
    assert.equal(held({ excluded: [base] }, [], 'C=DE'), 'good');
  });

  test('hold for names in subjectAltName as well', () => {
    const base = directory('C=DE/O=Acme');
    const inName = [directory('C=FR/O=Other')];
    assert.equal(held({ permitted: [base] }, inName, 'C=DE/O=Acme/CN=1'), 'name_not_permitted');
    assert.equal(held({ excluded: [directory('C=FR')] }, inName, 'C=DE/O=Acme/CN=1'), 'name_excluded');
  });

  test('do not hold for a subject that is empty', () => {
    assert.equal(held({ permitted: [directory('C=DE')] }, { dns: 'a.example' }), 'good');
  });
});

describe('constraints in a path', () => {
  const dns = (text: string): NameEntry => ({ dns: text });

  test('of one form leave the others alone', () => {
    assert.equal(held({ permitted: [dns('acme.example')] }, { ip: [127, 0, 0, 1] }, 'CN=1'), 'good');
    assert.equal(held({ permitted: [{ ip: [10, 0, 0, 0, 255, 0, 0, 0] }] }, dns('x.example'), 'CN=1'), 'good');
  });

  test('are met by any of the permitted subtrees and all of the names', () => {
    const permitted = [dns('a.example'), dns('b.example')];
    assert.equal(held({ permitted }, [dns('x.a.example'), dns('x.b.example')]), 'good');
    assert.equal(held({ permitted }, [dns('x.a.example'), dns('x.c.example')]), 'name_not_permitted');
  });

  test('that exclude beat those that permit', () => {
    assert.equal(
      held({ permitted: [dns('example')], excluded: [dns('x.example')] }, dns('a.x.example')),
      'name_excluded',
    );
  });

  test('narrow further down, and never widen', () => {
    const wide = caUnder(root, { permitted: [dns('example')] }, 'CN=Wide');
    const narrow = mint({
      subject: 'CN=Narrow',
      key: keyNumber(3),
      by: wide,
      extensions: [...ext.caExtensions(), ext.nameConstraints({ permitted: [dns('acme.example'), dns('other.test')] })],
    });
    const of = (text: string) => verdict([leafUnder(narrow, [dns(text)]), narrow, wide], anchor);
    assert.deepEqual(
      [of('x.acme.example'), of('x.example'), of('x.other.test')],
      ['good', 'name_not_permitted', 'name_not_permitted'],
    );
  });

  test('hold for the names of CAs too', () => {
    const wide = caUnder(root, { permitted: [dns('acme.example')] }, 'CN=Wide');
    const made = ext.subjectAltName([dns('other.example')]);
    const middle = mint({ subject: 'CN=M', key: keyNumber(3), by: wide, extensions: [...ext.caExtensions(), made] });
    assert.equal(verdict([leafUnder(middle, [dns('x.acme.example')]), middle, wide], anchor), 'name_not_permitted');
  });

  test('do not hold for self-issued CAs, but do for a self-issued leaf', () => {
    const wide = caUnder(root, { permitted: [dns('acme.example')] }, 'CN=Wide');
    const made = ext.subjectAltName([dns('other.example')]);
    const rolled = mint({ subject: 'CN=Wide', key: keyNumber(3), by: wide, extensions: [...ext.caExtensions(), made] });
    assert.equal(verdict([leafUnder(rolled, [dns('x.acme.example')]), rolled, wide], anchor), 'good');
    const self = mint({ subject: 'CN=Wide', key: keyNumber(4), by: wide, extensions: ext.deviceExtensions(made) });
    assert.equal(verdict([self, wide], anchor), 'name_not_permitted');
  });

  test('of forms that are not processed refuse only where such a name occurs', () => {
    const other: NameEntry = { other: '1.2.3.4' };
    const subtrees = { permitted: [dns('acme.example')], excluded: [other] };
    assert.equal(held(subtrees, dns('acme.example')), 'good');
    assert.equal(held(subtrees, [dns('acme.example'), { other: '1.2.3.5' }]), unclear);
    const registered: NameEntry = { registeredId: '1.2.3' };
    assert.equal(held({ permitted: [registered] }, registered), unclear);
  });

  test('with a minimum or a maximum are not processed', () => {
    for (const extra of [der.implicit(0, Buffer.from([1])), der.implicit(1, Buffer.from([1]))]) {
      const subtree = der.sequence(ext.generalName(dns('acme.example')), extra);
      const value = ext.extension('nameConstraints', der.sequence(der.explicit(0, subtree)), true);
      const ca = caUnder(root, undefined, 'CN=Constrained', value);
      assert.equal(verdict([leafUnder(ca, [dns('acme.example')]), ca], anchor), unclear);
      assert.equal(verdict([leafUnder(ca, [{ ip: [127, 0, 0, 1] }]), ca], anchor), 'good');
    }
  });

  test('that are not critical are processed all the same', () => {
    const value = ext.nameConstraints({ permitted: [dns('acme.example')] }, false);
    const ca = caUnder(root, undefined, 'CN=Constrained', value);
    assert.equal(verdict([leafUnder(ca, [dns('x.test')]), ca], anchor), 'name_not_permitted');
  });

  test('are counted before they are looked at', () => {
    const many = (count: number, domain: string): NameEntry[] =>
      [...Array(count).keys()].map((i) => dns(`n${i}.${domain}`));
    assert.equal(held({ excluded: many(300, 'test') }, many(300, 'example')), 'good');
    assert.equal(held({ excluded: many(500, 'test') }, many(500, 'example')), 'budget_exhausted');
  });
});
