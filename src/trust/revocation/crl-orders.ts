import type { Queryable } from '../../platform/postgres.ts';
import type { Certificate } from '../../x509/certificate.ts';
import type { PathAnchor } from '../../x509/path-anchor.ts';
import {
  isOcsp,
  type PolicyDocument,
  policyOf,
  type RevocationPolicy,
  type RevocationSource,
} from '../revocation-policy.ts';
import { type FetchRow, fetchStates, registerUrl } from './crl-queries.ts';
import type { Facts } from './facts.ts';
import { deltaUrls } from './source-urls.ts';

/** What to do with one URL, from the policy in force. */
export interface Order {
  readonly url: string;
  readonly anchor: string;
  readonly policy: RevocationPolicy;
  readonly source: RevocationSource;
  readonly pointer: boolean;
  /** Certificates that the peer showed: its CAs may have signed what is there. */
  readonly shown: readonly Certificate[];
}

/** Makes the URLs known that the policy in force names, and those of deltas. */
export async function registerPolicyUrls(db: Queryable, facts: Facts, at: Date): Promise<void> {
  for (const { url, anchor, pointer, policy } of wanted(facts))
    if (!facts.fetches.has(url)) await db.query(registerUrl(url, anchor, pointer, at, policy.limits.pointerUrls));
}

type Wanted = Omit<Order, 'shown'>;

/** What the policy in force names, the pointers that were followed under it, and the deltas of what came of both. */
function wanted({ policy, fetches, crls }: Facts): readonly Wanted[] {
  const orders = (policy?.document.anchors ?? []).flatMap((one): Wanted[] => {
    const base = { anchor: one.name, policy: one };
    return one.sources.flatMap((source): Wanted[] => {
      if (isOcsp(source)) return [];
      if (source.url !== undefined) return [{ ...base, source, url: source.url, pointer: false }];
      if (source.kind !== 'cert-cdp') return [];
      const theirs = [...fetches].filter(
        ([, { pointer, anchor }]) => pointer && isOf(policy?.document, one.name, anchor),
      );
      return theirs.map(([url, { anchor }]) => ({ ...base, anchor, source, url, pointer: true }));
    });
  });
  // RFC 5280 5.2.6: a complete CRL says where its deltas are.
  const deltas = orders.flatMap((order) =>
    (crls.get(order.url) ?? []).flatMap(({ list }) => deltaUrls(list).map((url) => ({ ...order, url }))),
  );
  return [...new Map([...deltas, ...orders].map((order) => [order.url, order])).values()];
}

function isOf(document: PolicyDocument | undefined, entry: string, anchor: string): boolean {
  return document !== undefined && policyOf(document, anchor)?.name === entry;
}

/** What is past its time to be fetched, and still wanted by the policy in force. */
export async function dueOrders(
  db: Queryable,
  anchors: readonly PathAnchor[],
  facts: Facts,
  at: Date,
): Promise<readonly Order[]> {
  const orders = new Map(wanted(facts).map((order) => [order.url, order]));
  const { rows } = await db.query<FetchRow>(fetchStates());
  return rows
    .filter(({ next_at }) => next_at <= at)
    .flatMap(({ url, anchor }): Order[] => {
      const order = orders.get(url);
      if (order === undefined) return [];
      return [{ ...order, anchor: anchors.some(({ name }) => name === anchor) ? anchor : order.anchor, shown: [] }];
    });
}
