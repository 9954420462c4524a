import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ask, device, issuing, root, say } from './crl-judging.ts';
import { distributionPoints, type EntryOptions, hours, mintCrl, type ScopeOptions, scope } from './crl-minting.ts';
import * as der from './der-writer.ts';
import { attribute, keyNumber, mint, name } from './minting.ts';
import * as ext from './minting-extensions.ts';

const [first, second] = [{ uri: 'http://a.example/1.crl' }, { uri: 'http://a.example/2.crl' }];
const scoped = (options: ScopeOptions, entries: EntryOptions[] = [], thisUpdate = hours(-1)) =>
  mintCrl({ by: issuing, entries, thisUpdate, extensions: [scope(options)] });
const listed = [{ serial: 1000 }];

describe('a CRL cut into parts', () => {
  const pointing = device([distributionPoints([{ names: [first, second] }])]);

  test('counts where one of its names is one of the point', () => {
    assert.equal(say(pointing, [scoped({ names: [second] })]), 'good');
    assert.equal(
      say(pointing, [scoped({ names: [{ uri: 'http://a.example/3.crl' }] }, listed)]),
      'unknown out-of-scope',
    );
    // No name of its own: the whole of what the issuer issued.
    assert.equal(say(pointing, [mintCrl({ by: issuing })]), 'good');
  });

  test('never speaks for a certificate that does not point to it', () => {
    assert.equal(say(device(), [scoped({ names: [first] }, listed)]), 'unknown out-of-scope');
    // The last step of the RFC has the name of the issuer for a point.
    assert.equal(say(device(), [scoped({ names: [{ directory: issuing.subject }] }, listed)]), 'revoked unspecified');
  });

  test('several points are asked in turn', () => {
    const both = device([distributionPoints([{ names: [first] }, { names: [second] }])]);
    assert.equal(say(both, [scoped({ names: [second] }, listed)]), 'revoked unspecified');
  });

  test('a name relative to the issuer is completed', () => {
    const whole = { directory: name('O=Acme/CN=Issuing/CN=part 1') };
    const pointingRelative = device([distributionPoints([{ relative: attributeSet('Part 1') }])]);
    for (const options of [{ names: [whole] }, { relative: attributeSet('PART 1') }])
      assert.equal(say(pointingRelative, [scoped(options, listed)]), 'revoked unspecified');
    assert.equal(say(pointingRelative, [scoped({ relative: attributeSet('Part 2') }, listed)]), 'unknown out-of-scope');
  });

  test('of users, CAs or attribute certificates alone', () => {
    const leaf = device();
    assert.equal(say(leaf, [scoped({ user: true })]), 'good');
    assert.equal(say(leaf, [scoped({ ca: true }, listed)]), 'unknown out-of-scope');
    assert.equal(say(leaf, [scoped({ attribute: true }, listed)]), 'unknown out-of-scope');
    const byRoot = (options: ScopeOptions) => mintCrl({ by: root, extensions: [scope(options)] });
    assert.equal(say(leaf, [byRoot({ ca: true })], { index: 1 }), 'good');
    assert.equal(say(leaf, [byRoot({ user: true })], { index: 1 }), 'unknown out-of-scope');
  });
});

/** The content of a nameRelativeToCRLIssuer. */
function attributeSet(commonName: string): Uint8Array {
  return attribute('CN', der.utf8(commonName));
}

describe('reasons', () => {
  const leaf = device();
  const keys = scoped({ reasons: ['keyCompromise', 'cACompromise'] });
  const others = [
    'affiliationChanged',
    'superseded',
    'cessationOfOperation',
    'certificateHold',
    'privilegeWithdrawn',
    'aACompromise',
  ] as const;

  test('all must be covered before a certificate is good', () => {
    assert.equal(say(leaf, [keys]), 'unknown reasons-incomplete');
    assert.equal(say(leaf, [keys, scoped({ reasons: others })]), 'good');
    assert.equal(say(leaf, [keys, scoped({ reasons: others.slice(1) })]), 'unknown reasons-incomplete');
  });

  test('one that lists the certificate is enough', () => {
    assert.equal(say(leaf, [keys, scoped({ reasons: others }, [{ serial: 1000, reason: 4 }])]), 'revoked superseded');
    assert.equal(say(leaf, [scoped({ reasons: ['superseded'] }, [{ serial: 1000, reason: 4 }])]), 'revoked superseded');
  });

  test('the point narrows what its CRLs cover', () => {
    const narrowed = device([
      distributionPoints([
        { names: [first], reasons: ['keyCompromise'] },
        { names: [second], reasons: others },
      ]),
    ]);
    const [one, two] = [scoped({ names: [first] }), scoped({ names: [second] })];
    assert.equal(say(narrowed, [one]), 'unknown reasons-incomplete');
    assert.equal(say(narrowed, [one, two]), 'unknown reasons-incomplete');
    // cACompromise is missing at both points; the last step takes the whole list of the issuer.
    assert.equal(say(narrowed, [one, two, mintCrl({ by: issuing })]), 'good');
    assert.equal(
      say(narrowed, [one, scoped({ names: [first], reasons: ['superseded'] }, listed)]),
      'unknown reasons-incomplete',
    );
  });

  test('good rests on the oldest and the earliest of the lists', () => {
    const late = mintCrl({
      by: issuing,
      thisUpdate: hours(-10),
      nextUpdate: hours(2),
      extensions: [scope({ reasons: others })],
    });
    assert.deepEqual(ask(leaf, [keys, late]).status, { kind: 'good', thisUpdate: hours(-10), nextUpdate: hours(2) });
  });
});

describe('an indirect CRL', () => {
  const service = mint({
    subject: 'O=Acme/CN=CRL Service',
    key: keyNumber(5),
    by: root,
    serial: 90,
    extensions: [ext.keyUsage(['cRLSign'])],
  });
  const pointing = device([distributionPoints([{ names: [first], issuer: service.subject }])]);
  const whole = mintCrl({ by: root });
  const indirect = (entries: EntryOptions[], more: Uint8Array = scope({ names: [first], indirect: true })) =>
    mintCrl({ by: service, entries, extensions: [more] });
  const signers = [service];

  test('speaks where the certificate names its issuer, for the certificate issuer of each entry', () => {
    const hit = { serial: 1000, issuer: issuing.subject };
    assert.equal(say(pointing, [indirect([]), whole], { signers }), 'good');
    assert.equal(say(pointing, [indirect([hit]), whole], { signers }), 'revoked unspecified');
    assert.equal(say(pointing, [indirect([{ serial: 1000 }]), whole], { signers }), 'good');
    assert.equal(
      say(pointing, [indirect([{ ...hit, serial: 5 }, { serial: 1000 }]), whole], { signers }),
      'revoked unspecified',
    );
    const back = [
      { ...hit, serial: 5 },
      { serial: 1000, issuer: root.subject },
    ];
    assert.equal(say(pointing, [indirect(back), whole], { signers }), 'good');
  });

  test('must say that it is one, and the certificate must have asked for it', () => {
    const hit = [{ serial: 1000, issuer: issuing.subject }];
    assert.equal(say(pointing, [indirect(hit, scope({ names: [first] })), whole], { signers }), 'unknown out-of-scope');
    assert.equal(say(device(), [indirect(hit), whole], { signers }), 'unknown no-pointer');
    // The issuer's own list does not do at a point of somebody else, but it does in the last step.
    assert.equal(say(pointing, [mintCrl({ by: issuing })], { signers }), 'good');
  });

  test('a point without a name is matched by the name of its issuer', () => {
    const nameless = device([distributionPoints([{ issuer: service.subject }])]);
    const hit = [{ serial: 1000, issuer: issuing.subject }];
    const named = scope({ names: [{ directory: service.subject }], indirect: true });
    assert.equal(say(nameless, [indirect(hit, named), whole], { signers }), 'revoked unspecified');
    assert.equal(say(nameless, [indirect(hit), whole], { signers }), 'unknown out-of-scope');
    assert.equal(say(nameless, [indirect(hit, scope({ indirect: true })), whole], { signers }), 'revoked unspecified');
  });

  test('an issuer of CRLs may list itself, but what others say of it comes first', () => {
    const own = mint({
      subject: 'O=Acme/CN=Own Service',
      key: keyNumber(6),
      by: issuing,
      serial: 91,
      extensions: [
        ext.keyUsage(['cRLSign']),
        distributionPoints([{ names: [first], issuer: name('O=Acme/CN=Own Service') }]),
      ],
    });
    const leaf = device([distributionPoints([{ names: [first], issuer: own.subject }])]);
    const list = (entries: EntryOptions[]) =>
      mintCrl({ by: own, entries, extensions: [scope({ names: [first], indirect: true })] });
    const itself = { serial: 91, issuer: issuing.subject };
    assert.equal(say(leaf, [list([])], { signers: [own] }), 'good');
    assert.equal(say(leaf, [list([itself])], { signers: [own] }), 'unknown unauthorized-signer');
    const direct = mintCrl({
      by: issuing,
      thisUpdate: hours(-20),
      entries: [{ serial: 91 }],
      extensions: [scope({ names: [second] })],
    });
    assert.equal(say(leaf, [list([]), direct], { signers: [own] }), 'good');
    const wide = mintCrl({ by: issuing, thisUpdate: hours(-20), entries: [{ serial: 91 }] });
    // A newer list does not clear the key that it is signed with; the older one of the issuer counts.
    const { status, reports } = ask(leaf, [list([]), wide], { signers: [own] });
    assert.equal(status.kind, 'good');
    assert.deepEqual(
      reports.map(({ use, detail }) => detail ?? use),
      ['its signer is revoked', 'complete'],
    );
  });
});
