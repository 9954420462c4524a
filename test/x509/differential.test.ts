import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Certificate } from '../../src/x509/certificate.ts';
import type { PathResult } from '../../src/x509/path.ts';
import { isSelfIssued } from '../../src/x509/path-validation.ts';
import { writePem } from '../../src/x509/pem.ts';
import { type GeneratedPath, generatePath } from './differential-paths.ts';
import { anchorOf, judge } from './judging.ts';
import { now } from './minting.ts';
import { anyPurpose, clientAuth } from './minting-extensions.ts';

const paths = Number(process.env.HEMS_DIFFERENTIAL ?? 2000);

const folder = mkdtempSync(join(tmpdir(), 'hems-differential-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Question {
  readonly path: GeneratedPath;
  /** What stands between leaf and root. */
  readonly untrusted: readonly Uint8Array[];
}

interface Answer {
  readonly ok: boolean;
  /** Number of OpenSSL's error, 0 when good. */
  readonly error: number;
}

/** OpenSSL's answers, by one shell for all of them: starting a process from here costs more than a judgement. */
function askOpenssl(questions: readonly Question[]): Answer[] {
  const lines = questions.map(({ path, untrusted }, n) => {
    const file = (name: string, ders: readonly Uint8Array[]): string => {
      writeFileSync(join(folder, `${n}-${name}`), ders.map((der) => writePem(der, 'CERTIFICATE')).join(''));
      return `${n}-${name}`;
    };
    const flags = [
      `-purpose sslclient -attime ${now.getTime() / 1000} -trusted ${file('root', [path.root.der])}`,
      untrusted.length > 0 ? `-untrusted ${file('rest', untrusted)}` : '',
      ...policyFlags(path),
      file('leaf', [path.chain[0]?.der ?? new Uint8Array()]),
    ];
    return `openssl verify ${flags.join(' ')} 2>&1; echo "status $?"`;
  });
  const run = spawnSync('sh', ['-s'], { cwd: folder, input: lines.join('\n'), encoding: 'utf8', maxBuffer: 2 ** 26 });
  const answers = run.stdout.split(/^status /m);
  assert.equal(answers.length, questions.length + 1, run.stderr);
  return questions.map((_, i) => ({
    ok: /^0$/m.exec(answers[i + 1] ?? '')?.index === 0,
    error: Number(/^error (\d+)/m.exec(answers[i] ?? '')?.[1] ?? 0),
  }));
}

function policyFlags({ policy, askPolicy }: GeneratedPath): string[] {
  // Without it OpenSSL looks at no policy at all, not even at those that a CA requires.
  return [
    '-policy_check',
    ...(askPolicy && policy.requireExplicit ? ['-explicit_policy'] : []),
    ...(policy.inhibitMapping ? ['-inhibit_map'] : []),
    ...(policy.inhibitAny ? ['-inhibit_any'] : []),
    // Its empty set grants nothing; that of the RFC is any-policy.
    ...(policy.initial ?? ['2.5.29.32.0']).map((oid) => `-policy ${oid}`),
  ];
}

interface Disagreement {
  readonly seed: number;
  readonly path: GeneratedPath;
  readonly ours: PathResult;
  readonly theirs: Answer;
  /** OpenSSL's answer when it is given nothing but the path that we found good. */
  readonly toldOurPath: Answer | undefined;
}

interface Explanation {
  readonly what: string;
  /** Why the two differ, and who is right. */
  readonly why: string;
  readonly applies: (disagreement: Disagreement) => boolean;
}

/** We refuse for one of these rules; OpenSSL does not know them. */
const weRefuseBy =
  (...rules: string[]) =>
  ({ ours }: Disagreement): boolean =>
    !ours.ok && rules.includes(ours.failures[0].rule ?? ours.failures[0].detail);

/** OpenSSL refuses the path that we found with this error, for a reason seen in its certificates. */
const theyRefuseBy =
  (error: number, because: (certificates: readonly Certificate[], path: GeneratedPath) => boolean) =>
  ({ ours, toldOurPath, path }: Disagreement): boolean =>
    ours.ok &&
    toldOurPath?.error === error &&
    because([ours.path.leaf, ...ours.path.intermediates, ours.path.anchor], path);

const onlyAny = ({ extensions: { extKeyUsage } }: Certificate): boolean =>
  extKeyUsage?.includes(anyPurpose) === true && !extKeyUsage.includes(clientAuth);

/** Without key identifiers only the signature tells which of two certificates of a name is meant. */
const hasTwoOfAName = (certificates: readonly Certificate[]): boolean =>
  certificates.slice(1, -1).some(isSelfIssued) &&
  certificates.some(({ extensions }, i) => {
    const { authorityKeyIdentifier, subjectKeyIdentifier } = extensions;
    return authorityKeyIdentifier === undefined || (i > 0 && subjectKeyIdentifier === undefined);
  });

/** Every way in which we and OpenSSL are known to differ. A disagreement outside of this table fails the test. */
const explanations: readonly Explanation[] = [
  {
    what: 'OpenSSL takes the first issuer that fits and never goes back; told the path we found, it accepts it',
    why: 'RFC 5280 6.1 judges a path, finding one is free: any good path will do',
    applies: ({ ours, toldOurPath }) => ours.ok && toldOurPath?.ok === true,
  },
  {
    what: 'OpenSSL wants clientAuth by name where we accept anyExtendedKeyUsage',
    why: 'RFC 5280 4.2.1.12 lets an application accept it; the profile hems does not',
    applies: theyRefuseBy(26, (certificates) => certificates.some(onlyAny)),
  },
  {
    what: 'OpenSSL wants digitalSignature in the keyUsage of a client',
    why: 'the RFC leaves that to the protocol; the profile hems wants it too',
    applies: theyRefuseBy(26, ([leaf]) => leaf?.extensions.keyUsage?.includes('digitalSignature') === false),
  },
  {
    what: 'OpenSSL calls a certificate expired in the very second of its notAfter',
    why: 'RFC 5280 4.1.2.5: the validity includes both ends',
    applies: theyRefuseBy(10, (list) => list.some(({ notAfter }) => notAfter.getTime() === now.getTime())),
  },
  {
    what: 'OpenSSL holds a common name that reads as a host name to dNSName constraints',
    why: 'the RFC does not; the profile hems does, because names there may identify devices',
    applies: (disagreement) =>
      [47, 48].some((error) =>
        theyRefuseBy(error, (_, { oddities }) => oddities.has('common-name-is-a-host'))(disagreement),
      ),
  },
  {
    what: 'OpenSSL takes a self-issued certificate without key identifiers for self-signed, or its namesake for the issuer',
    why: 'RFC 5280 6.1: self-issued is a matter of names; a rolled key is signed by the one before',
    applies: (disagreement) => [7, 18, 19].some((error) => theyRefuseBy(error, hasTwoOfAName)(disagreement)),
  },
  {
    what: 'OpenSSL takes keyCertSign alone for the mark of a CA',
    why: 'RFC 5280 4.2.1.9: without basicConstraints the key must not verify certificates',
    applies: weRefuseBy('anchor_not_a_ca', 'not_a_ca'),
  },
  {
    what: 'OpenSSL does not look at serial numbers',
    why: 'RFC 5280 4.1.2.2: not zero, at most 20 octets',
    applies: weRefuseBy('serial-number'),
  },
  {
    what: 'OpenSSL lets an end entity have nameConstraints',
    why: 'RFC 5280 4.2.1.10: only in a CA certificate',
    applies: weRefuseBy('ca-only-extensions'),
  },
];

describe('generated paths, judged by us and by OpenSSL', () => {
  const disagreements: Disagreement[] = [];
  const counts = { good: 0, refused: 0 };

  function compare(seeds: readonly number[]): void {
    const made = seeds.map((seed) => ({ seed, path: generatePath(seed) }));
    const answers = askOpenssl(made.map(({ path }) => ({ path, untrusted: path.chain.slice(1).map((c) => c.der) })));
    const differing: Omit<Disagreement, 'toldOurPath'>[] = [];
    for (const [i, { seed, path }] of made.entries()) {
      const ours = judge(path.chain, anchorOf(path.root), { policy: path.policy });
      const theirs = answers[i] ?? { ok: false, error: -1 };
      counts[ours.ok ? 'good' : 'refused']++;
      if (ours.ok !== theirs.ok) differing.push({ seed, path, ours, theirs });
    }
    const again = askOpenssl(
      differing.map(({ path, ours }) => {
        const untrusted = ours.ok ? ours.path.intermediates.map(({ der }) => der) : [];
        return { path, untrusted };
      }),
    );
    disagreements.push(...differing.map((d, i) => ({ ...d, toldOurPath: d.ours.ok ? again[i] : undefined })));
  }

  test(`${paths} paths: every disagreement has an explanation`, () => {
    for (let from = 1; from <= paths; from += 500)
      compare([...Array(Math.min(500, paths - from + 1)).keys()].map((i) => from + i));
    const unexplained = disagreements.filter((d) => !explanations.some(({ applies }) => applies(d)));
    assert.deepEqual(
      unexplained.map(({ seed, path, ours, theirs, toldOurPath }) => ({
        seed,
        ours: ours.ok ? 'good' : ours.failures.map(({ message }) => message),
        openssl: theirs.error,
        toldOurPath: toldOurPath?.error,
        oddities: [...path.oddities].join(' '),
      })),
      [],
    );
  });

  test('both kinds of path were met often', (t) => {
    for (const { what, applies } of explanations) t.diagnostic(`${disagreements.filter(applies).length} × ${what}`);
    t.diagnostic(`${counts.good} good, ${counts.refused} refused, ${disagreements.length} disagreements`);
    assert.ok(counts.good > paths / 5 && counts.refused > paths / 5);
  });
});
