import type { Certificate } from './certificate.ts';
import type { PathDetail } from './path-failure.ts';
import { formRules } from './profile-form-rules.ts';
import { strengthRules } from './profile-strength-rules.ts';
import { usageRules } from './profile-usage-rules.ts';

export type RuleLevel = 'refuse' | 'warn' | 'off';

/** What a rule sees: one certificate below the anchor, and where it stands. */
export interface RuleSubject {
  readonly certificate: Certificate;
  /** The certificate that issued it: the next one up, or the anchor. */
  readonly issuer: Certificate;
  readonly role: 'leaf' | 'ca';
  /** A CA that issued the leaf itself. */
  readonly issuesLeaf: boolean;
  /** Dotted decimal of the purpose asked for; undefined for any. */
  readonly purpose: string | undefined;
}

export interface RuleFinding {
  readonly detail: PathDetail;
  readonly message: string;
}

/** One named rule. Rules are data: what they ask for, where that stands, and how serious each profile takes it. */
export interface ProfileRule {
  readonly name: string;
  readonly clause: string;
  readonly summary: string;
  readonly applies: 'leaf' | 'ca' | 'every';
  /** Looked at in the anchor's own certificate too; no other rule is. */
  readonly anchorToo?: true;
  readonly levels: { readonly hems: RuleLevel; readonly rfc5280: RuleLevel };
  /** The finding where the certificate breaks the rule. */
  readonly check: (subject: RuleSubject) => RuleFinding | undefined;
}

/** Every rule, in the order they are looked at: the first that refuses is the reason. */
export const profileRules: readonly ProfileRule[] = [...strengthRules, ...formRules, ...usageRules];

/** A profile: the level of every rule. */
export interface Profile {
  readonly name: string;
  readonly levels: ReadonlyMap<string, RuleLevel>;
}

function profileNamed(name: 'hems' | 'rfc5280'): Profile {
  return { name, levels: new Map(profileRules.map((rule) => [rule.name, rule.levels[name]])) };
}

/** `hems`: TS 33.310 clause 6.1 for femtocells on top of the RFC, the default. `rfc5280`: the RFC alone. */
export const profiles = { hems: profileNamed('hems'), rfc5280: profileNamed('rfc5280') } as const;

export type ProfileName = keyof typeof profiles;

/** A profile with some levels changed; the names that are no rules are returned instead where there are any. */
export function withLevels(
  profile: Profile,
  levels: Readonly<Record<string, RuleLevel>>,
): { readonly ok: true; readonly profile: Profile } | { readonly ok: false; readonly unknownRules: string[] } {
  const unknownRules = Object.keys(levels).filter((rule) => !profile.levels.has(rule));
  if (unknownRules.length > 0) return { ok: false, unknownRules };
  return { ok: true, profile: { name: profile.name, levels: new Map([...profile.levels, ...Object.entries(levels)]) } };
}

export function levelOf(profile: Profile, rule: string): RuleLevel {
  // A rule that a profile does not know refuses: the safe side of a typing error.
  return profile.levels.get(rule) ?? 'refuse';
}

export interface Finding extends RuleFinding {
  readonly rule: ProfileRule;
  readonly level: 'refuse' | 'warn';
}

interface ActiveRule {
  readonly rule: ProfileRule;
  readonly level: 'refuse' | 'warn';
}

const active = new WeakMap<Profile, Readonly<Record<'leaf' | 'ca', readonly ActiveRule[]>>>();

/** The rules of a profile that are not off, by the certificates they apply to; worked out once. */
function activeRules(profile: Profile, role: 'leaf' | 'ca'): readonly ActiveRule[] {
  let rules = active.get(profile);
  if (rules === undefined) {
    rules = { leaf: rulesFor(profile, 'leaf'), ca: rulesFor(profile, 'ca') };
    active.set(profile, rules);
  }
  return rules[role];
}

function rulesFor(profile: Profile, role: 'leaf' | 'ca'): ActiveRule[] {
  return profileRules.flatMap((rule) => {
    const level = levelOf(profile, rule.name);
    return level === 'off' || (rule.applies !== 'every' && rule.applies !== role) ? [] : [{ rule, level }];
  });
}

/** What a certificate breaks of a profile, in the order of the rules. */
export function findingsOf(profile: Profile, subject: RuleSubject): Finding[] {
  const findings: Finding[] = [];
  for (const { rule, level } of activeRules(profile, subject.role)) {
    const finding = rule.check(subject);
    if (finding !== undefined) findings.push({ ...finding, rule, level });
  }
  return findings;
}

/** A finding, and the certificate that it is about. */
export interface PathFinding extends Finding {
  readonly certificate: Certificate;
}

/**
 * What a path breaks of a profile: the anchor first, then from the top down, the leaf last. `certificates` has the
 * leaf first, without the anchor.
 */
export function* pathFindings(
  profile: Profile,
  certificates: readonly Certificate[],
  anchor: Certificate,
  purpose: string | undefined,
): Generator<PathFinding> {
  const top = {
    certificate: anchor,
    issuer: anchor,
    role: 'ca',
    issuesLeaf: certificates.length === 1,
    purpose,
  } as const;
  for (const finding of findingsOf(profile, top)) if (finding.rule.anchorToo) yield { ...finding, certificate: anchor };
  for (let index = certificates.length - 1; index >= 0; index--) {
    const certificate = certificates[index] as Certificate;
    const issuer = certificates[index + 1] ?? anchor;
    const role = index === 0 ? 'leaf' : 'ca';
    for (const finding of findingsOf(profile, { certificate, issuer, role, issuesLeaf: index === 1, purpose }))
      yield { ...finding, certificate };
  }
}
