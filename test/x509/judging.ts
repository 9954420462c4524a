import { judgePath, type PathInput, type PathResult } from '../../src/x509/path.ts';
import type { PathAnchor } from '../../src/x509/path-anchor.ts';
import { type Profile, profiles, type RuleLevel, withLevels } from '../../src/x509/profile.ts';
import { type Minted, now } from './minting.ts';

/** Short ways to ask the judge, for the tests. */

export function anchorOf(
  certificates: Minted | readonly Minted[],
  options: { name?: string; profile?: Profile; acceptExpired?: boolean; intermediates?: readonly Minted[] } = {},
): PathAnchor {
  const list = 'der' in certificates ? [certificates] : certificates;
  return {
    name: options.name ?? 'acme',
    certificates: list.map(({ certificate }) => certificate),
    intermediates: options.intermediates?.map(({ certificate }) => certificate) ?? [],
    profile: options.profile ?? profiles.rfc5280,
    acceptExpired: options.acceptExpired ?? false,
  };
}

export function leveled(profile: Profile, levels: Readonly<Record<string, RuleLevel>>): Profile {
  const result = withLevels(profile, levels);
  if (!result.ok) throw new Error(`no such rules: ${result.unknownRules}`);
  return result.profile;
}

export function judge(
  chain: readonly Minted[],
  anchors: PathAnchor | readonly PathAnchor[],
  more: Partial<PathInput> = {},
): PathResult {
  const list = Array.isArray(anchors) ? (anchors as readonly PathAnchor[]) : [anchors as PathAnchor];
  return judgePath({ chain: chain.map(({ der }) => der), anchors: list, at: now, ...more });
}

/** `good`, or the detail of the most telling failure. */
export function verdict(...args: Parameters<typeof judge>): string {
  const result = judge(...args);
  return result.ok ? 'good' : result.failures[0].detail;
}

/** `good`, or reason and rule (or detail) of the most telling failure. */
export function reason(...args: Parameters<typeof judge>): string {
  const result = judge(...args);
  if (result.ok) return 'good';
  const [{ reason: why, rule, detail }] = result.failures;
  return `${why} ${rule ?? detail}`;
}
