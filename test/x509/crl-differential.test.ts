import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { CertificateStatus } from '../../src/x509/certificate-status.ts';
import { parseCrl } from '../../src/x509/crl.ts';
import { judgeByCrls } from '../../src/x509/crl-judgement.ts';
import { judgePath } from '../../src/x509/path.ts';
import { writePem } from '../../src/x509/pem.ts';
import { unless } from '../support/peers.ts';
import { type GeneratedCrls, generateCrls } from './differential-crls.ts';
import { anchorOf } from './judging.ts';
import { now } from './minting.ts';

const cases = Number(process.env.HEMS_DIFFERENTIAL ?? 300);

const folder = mkdtempSync(join(tmpdir(), 'hems-crl-differential-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The number of OpenSSL's error for each, 0 when good; by one shell for all of them. */
function askOpenssl(questions: readonly GeneratedCrls[]): number[] {
  const lines = questions.map(({ root, issuing, service, ownKey, leaf, crls }, n) => {
    const file = (name: string, ders: readonly Uint8Array[], label: string): string => {
      writeFileSync(join(folder, `${n}-${name}`), ders.map((der) => writePem(der, label)).join(''));
      return `${n}-${name}`;
    };
    const untrusted = [issuing, service, ownKey].map(({ der }) => der);
    const flags = [
      `-attime ${now.getTime() / 1000} -crl_check_all -extended_crl -use_deltas`,
      `-CAfile ${file('root', [root.der], 'CERTIFICATE')} -untrusted ${file('rest', untrusted, 'CERTIFICATE')}`,
      ...(crls.length === 0 ? [] : [`-CRLfile ${file('crls', crls, 'X509 CRL')}`]),
      file('leaf', [leaf.der], 'CERTIFICATE'),
    ];
    return `openssl verify ${flags.join(' ')} 2>&1; echo "status $?"`;
  });
  const run = spawnSync('sh', ['-s'], { cwd: folder, input: lines.join('\n'), encoding: 'utf8', maxBuffer: 2 ** 26 });
  const answers = run.stdout.split(/^status (?=\d)/m);
  assert.equal(answers.length, questions.length + 1, run.stderr);
  return questions.map((_, i) =>
    /^0$/m.exec(answers[i + 1] ?? '')?.index === 0 ? 0 : Number(/^error (\d+)/m.exec(answers[i] ?? '')?.[1] ?? -1),
  );
}

/** The first status that is not good, from the device up. */
function askUs({ root, issuing, service, ownKey, leaf, crls }: GeneratedCrls): CertificateStatus {
  const anchors = [anchorOf(root)];
  const signers = [issuing, service, ownKey].map(({ certificate }) => certificate);
  const result = judgePath({ chain: [leaf.der, issuing.der], anchors, at: now, purpose: 'any' });
  assert.ok(result.ok);
  const lists = crls.map((der) => parseCrl(der));
  const ask = (index: number) =>
    judgeByCrls({ path: result.path, index, crls: lists, anchors, signers, at: now }).status;
  const device = ask(0);
  return device.kind === 'good' ? ask(1) : device;
}

interface Disagreement {
  readonly seed: number;
  readonly made: GeneratedCrls;
  readonly ours: CertificateStatus;
  readonly error: number;
}

interface Explanation {
  readonly what: string;
  /** Who is right, and why. */
  readonly why: string;
  readonly applies: (disagreement: Disagreement) => boolean;
}

/** Every way in which the two differ. A disagreement outside of this table fails the test. */
const explanations: readonly Explanation[] = [
  {
    what: 'OpenSSL does not compare the algorithm inside a CRL with the one outside',
    why: 'RFC 5280 5.1.1.2: they must be the same',
    applies: ({ ours, error, made }) => ours.kind !== 'good' && error === 0 && made.oddities.has('two-algorithms'),
  },
  {
    what: 'OpenSSL finds no list for the reasons that a distribution point leaves out',
    why: 'RFC 5280 6.3.3, last step: the whole list of the issuer covers them',
    applies: ({ ours, error, made }) =>
      ours.kind === 'good' && [3, 44].includes(error) && made.oddities.has('point-reasons'),
  },
  {
    what: 'OpenSSL looks at no delta unless freshestCRL points to it',
    why: 'RFC 5280 5.2.4: a delta that fits its base is newer knowledge, however it came',
    applies: ({ ours, error, made }) =>
      ((ours.kind === 'revoked' && error === 0) || (ours.kind === 'good' && [12, 23].includes(error))) &&
      made.oddities.has('no-freshest') &&
      made.oddities.has('delta'),
  },
  {
    what: 'OpenSSL tries one certificate of the name of the issuer where no key identifier tells which',
    why: 'RFC 5280 4.2.1.1: identifiers are hints; the signature says who signed',
    applies: ({ ours, error, made }) =>
      ours.kind === 'good' &&
      made.oddities.has('own-key') &&
      ((error === 8 && made.oddities.has('no-key-id')) || (error === 35 && made.oddities.has('no-crl-sign'))),
  },
  {
    what: 'OpenSSL gives up at a list that is not of its issuer, where another one is',
    why: 'a forged list must not be able to silence a good one',
    applies: ({ ours, error, made }) =>
      ours.kind === 'good' && error === 8 && (made.oddities.has('forged') || made.oddities.has('stranger')),
  },
  {
    what: 'OpenSSL does not look at the base once its delta takes the certificate back',
    why: 'RFC 5280 5.3: with an unknown critical entry extension the base cannot be used',
    applies: ({ ours, error, made }) =>
      ours.kind === 'unknown' && ours.cause === 'critical-extension' && error === 0 && made.oddities.has('delta'),
  },
  {
    what: 'OpenSSL asks one list where several of other scopes or keys cover a certificate',
    why: 'RFC 5280 6.3.3 lets it; where they disagree the one that revokes is believed here',
    applies: ({ ours, error, made }) => ours.kind === 'revoked' && error === 0 && made.crls.length > 2,
  },
];

describe('generated CRLs, judged by us and by OpenSSL', { skip: unless('openssl') }, () => {
  const disagreements: Disagreement[] = [];
  const counts = { good: 0, revoked: 0, unknown: 0 };

  test(`${cases} cases: every disagreement has an explanation`, () => {
    for (let from = 1; from <= cases; from += 250) {
      const seeds = [...Array(Math.min(250, cases - from + 1)).keys()].map((i) => from + i);
      const made = seeds.map(generateCrls);
      const errors = askOpenssl(made);
      for (const [i, one] of made.entries()) {
        const ours = askUs(one);
        counts[ours.kind]++;
        const error = errors[i] ?? -1;
        if ((ours.kind === 'good') !== (error === 0))
          disagreements.push({ seed: seeds[i] ?? 0, made: one, ours, error });
      }
    }
    const unexplained = disagreements.filter((d) => !explanations.some(({ applies }) => applies(d)));
    assert.deepEqual(
      unexplained.map(({ seed, made, ours, error }) => ({
        seed,
        ours: ours.kind === 'unknown' ? `${ours.cause}: ${ours.detail}` : ours.kind,
        openssl: error,
        oddities: [...made.oddities].join(' '),
      })),
      [],
    );
  });

  test('every kind of answer was met often', (t) => {
    for (const { what, applies } of explanations) t.diagnostic(`${disagreements.filter(applies).length} × ${what}`);
    t.diagnostic(`${JSON.stringify(counts)}, ${disagreements.length} disagreements`);
    assert.ok(Object.values(counts).every((count) => count > cases / 10));
  });
});
