import type { ShownPath } from '../fleet/shown-certificates.ts';
import { type Certificate, parseCertificate } from '../x509/certificate.ts';
import { namesEqual } from '../x509/name.ts';
import { purposes } from '../x509/oids.ts';
import {
  levelOf,
  pathFindings,
  type Profile,
  profileRules,
  profiles,
  type RuleLevel,
  withLevels,
} from '../x509/profile.ts';

/** What the survey knows of an anchor; one that is not configured any more has neither. */
export interface SurveyedAnchor {
  readonly profile: Profile;
  readonly certificates: readonly Certificate[];
}

/** How one rule stands to the certificates of one anchor. */
export interface RuleCount {
  readonly rule: string;
  readonly clause: string;
  /** What the anchor has it at today. */
  readonly level: RuleLevel;
  /** Device certificates whose path breaks it: as many would be refused at level "refuse". */
  readonly breaking: number;
}

export interface AnchorSurvey {
  readonly anchor: string;
  readonly certificates: number;
  /** Rules that some certificate breaks, in the order of the profile. */
  readonly rules: readonly RuleCount[];
}

/** Every rule at "refuse": what a certificate breaks, whatever anybody makes of it. */
const strictest = allRefusing();

function allRefusing(): Profile {
  const result = withLevels(profiles.hems, Object.fromEntries(profileRules.map(({ name }) => [name, 'refuse'])));
  if (!result.ok) throw new Error(`no rules: ${result.unknownRules}`);
  return result.profile;
}

/** Holds every certificate against every rule. Only counts are kept. */
export async function surveyCertificates(
  shown: AsyncIterable<ShownPath>,
  anchors: ReadonlyMap<string, SurveyedAnchor>,
  otherwise: Profile,
): Promise<readonly AnchorSurvey[]> {
  const counts = new Map<string, { certificates: number; rules: Map<string, number> }>();
  for await (const path of shown) {
    const count = counts.get(path.anchor) ?? { certificates: 0, rules: new Map<string, number>() };
    counts.set(path.anchor, count);
    count.certificates++;
    for (const rule of brokenRules(path, anchors.get(path.anchor)))
      count.rules.set(rule, (count.rules.get(rule) ?? 0) + 1);
  }
  return [...counts].map(([anchor, { certificates, rules }]) => {
    const profile = anchors.get(anchor)?.profile ?? otherwise;
    const broken = profileRules.filter(({ name }) => rules.has(name));
    return {
      anchor,
      certificates,
      rules: broken.map(({ name, clause }) => {
        return { rule: name, clause, level: levelOf(profile, name), breaking: rules.get(name) ?? 0 };
      }),
    };
  });
}

/** The octets were read once already, when the path was verified. */
function brokenRules({ leaf, intermediates }: ShownPath, anchor: SurveyedAnchor | undefined): Set<string> {
  const certificates = [parseCertificate(leaf), ...parsedOnce(intermediates)];
  const top = certificates.at(-1) as Certificate;
  // Where the anchor's certificate is not at hand, what hangs on its key is left out.
  const issuer = anchor?.certificates.find(({ subject }) => namesEqual(subject, top.issuer)) ?? top;
  const found = new Set<string>();
  for (const { rule } of pathFindings(strictest, certificates, issuer, purposes.clientAuth)) found.add(rule.name);
  return found;
}

const parsed = new WeakMap<readonly Uint8Array[], readonly Certificate[]>();

/** Cells share the chains above them, and one array for each. */
function parsedOnce(ders: readonly Uint8Array[]): readonly Certificate[] {
  let certificates = parsed.get(ders);
  if (certificates === undefined) {
    certificates = ders.map((der) => parseCertificate(der));
    parsed.set(ders, certificates);
  }
  return certificates;
}
