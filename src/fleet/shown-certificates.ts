import type { Database } from '../platform/postgres.ts';
import { chainById, countUnkept, type ShownRow, shownAfter } from './shown-certificates-queries.ts';

/** A leaf that a device has shown, with the intermediates of its path. DER. */
export interface ShownPath {
  readonly anchor: string;
  readonly leaf: Uint8Array;
  /** Lowest first. */
  readonly intermediates: readonly Uint8Array[];
}

const page = 500;
/** Chains kept in memory: all cells of a manufacturer share theirs. */
const mostChains = 1000;

/** Every certificate that devices have shown, a page at a time; memory does not grow with their number. */
export async function* readShownPaths(db: Database): AsyncGenerator<ShownPath> {
  const chains = new Map<string, readonly Uint8Array[]>();
  const chainOf = async (id: Buffer): Promise<readonly Uint8Array[]> => {
    const key = id.toString('latin1');
    const known = chains.get(key);
    if (known !== undefined) return known;
    const { rows } = await db.query<{ certificates: Buffer[] }>(chainById(id));
    const found = rows[0]?.certificates ?? [];
    if (chains.size >= mostChains) chains.clear();
    chains.set(key, found);
    return found;
  };
  let last: Pick<ShownRow, 'device_id' | 'fingerprint'> | undefined = {
    device_id: '00000000-0000-0000-0000-000000000000',
    fingerprint: Buffer.alloc(0),
  };
  while (last !== undefined) {
    const { rows }: { rows: ShownRow[] } = await db.query<ShownRow>(shownAfter(last.device_id, last.fingerprint, page));
    for (const { anchor, certificate, chain_id } of rows)
      yield { anchor, leaf: certificate, intermediates: await chainOf(chain_id) };
    last = rows.length < page ? undefined : rows.at(-1);
  }
}

/** How many certificates of the register cannot be surveyed, because only their facts were kept. */
export async function countUnkeptCertificates(db: Database): Promise<number> {
  const { rows } = await db.query<{ unkept: number }>(countUnkept());
  return rows[0]?.unkept ?? 0;
}
