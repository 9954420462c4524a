import type { Certificate } from './certificate.ts';
import { sameBytes } from './der.ts';
import { nameKey } from './path-anchor.ts';
import type { Search } from './path-search.ts';
import { isSelfIssued } from './path-validation.ts';
import { outsideValidity } from './validity.ts';

/** Who could have issued whom, by names alone: what to try first, worked out without a single signature. */
export interface PathGraph {
  readonly search: Search;
  readonly bySubject: ReadonlyMap<string, readonly Certificate[]>;
  readonly order: ReadonlyMap<Certificate, number>;
  /** Certificates between a name and the nearest anchor; absent where no name leads to one. */
  readonly distance: ReadonlyMap<string, number>;
  readonly ranked: Map<Certificate, readonly Certificate[]>;
  readonly merits: Map<Certificate, number>;
  readonly leadsToAnchor: (certificate: Certificate) => boolean;
}

export function pathGraph(search: Search): PathGraph {
  const distance = distances(search);
  return {
    search,
    bySubject: Map.groupBy(search.pool, ({ subject }) => nameKey(subject)),
    order: new Map(search.pool.map((certificate, i) => [certificate, i])),
    distance,
    ranked: new Map(),
    merits: new Map(),
    leadsToAnchor: ({ issuer }) => distance.has(nameKey(issuer)),
  };
}

/** From the anchors' names down, breadth first. */
function distances({ pool, anchors }: Search): Map<string, number> {
  const distance = new Map<string, number>();
  for (const key of anchors.bySubject.keys()) distance.set(key, 0);
  const byIssuer = Map.groupBy(pool, ({ issuer }) => nameKey(issuer));
  // A Map is walked in the order of its entries, those added on the way included.
  for (const [key, steps] of distance)
    for (const { subject } of byIssuer.get(key) ?? [])
      if (!distance.has(nameKey(subject))) distance.set(nameKey(subject), steps + 1);
  return distance;
}

/** The possible issuers of a certificate, best first. */
export function candidatesFor(graph: PathGraph, child: Certificate): readonly Certificate[] {
  let ranked = graph.ranked.get(child);
  if (ranked === undefined) {
    const found = graph.bySubject.get(nameKey(child.issuer)) ?? [];
    ranked = found.length < 2 ? found : rank(graph, child, found);
    graph.ranked.set(child, ranked);
  }
  return ranked;
}

function rank(graph: PathGraph, child: Certificate, found: readonly Certificate[]): Certificate[] {
  const leads = graph.leadsToAnchor(child);
  const scored = found
    .filter((certificate) => !leads || graph.leadsToAnchor(certificate))
    .map((certificate) => ({ certificate, score: merit(graph, certificate) + closeness(graph, child, certificate) }));
  return scored.sort((a, b) => b.score - a.score).map(({ certificate }) => certificate);
}

/** What speaks for a certificate as an issuer of whomever. */
function merit(graph: PathGraph, candidate: Certificate): number {
  const known = graph.merits.get(candidate);
  if (known !== undefined) return known;
  const { extensions } = candidate;
  let score = -10 * Math.min(10, graph.distance.get(nameKey(candidate.issuer)) ?? 10);
  if (outsideValidity(candidate, graph.search.at) === undefined) score += 80;
  if (extensions.basicConstraints?.ca === true) score += 40;
  if (extensions.keyUsage?.includes('keyCertSign') !== false) score += 40;
  if (!isSelfIssued(candidate)) score += 20;
  graph.merits.set(candidate, score);
  return score;
}

/** What speaks for it as the issuer of this child. */
function closeness({ search, order }: PathGraph, child: Certificate, candidate: Certificate): number {
  let score = search.cache?.isSignedBy(child, candidate) ? 1000 : 0;
  const wanted = child.extensions.authorityKeyIdentifier?.keyIdentifier;
  const has = candidate.extensions.subjectKeyIdentifier;
  if (wanted !== undefined && has !== undefined) score += sameBytes(wanted, has) ? 200 : -200;
  // Peers send the issuer right after what it issued.
  const distance = (order.get(candidate) ?? 0) - (order.get(child) ?? -1);
  return score + (distance > 0 ? 9 / distance : 0);
}
