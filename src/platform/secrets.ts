import type { Database, Queryable } from './postgres.ts';
import { unwrap, type WrappingKey, wrap, type Wrapped } from './wrapping-keys.ts';

export type SecretResult =
  | { readonly kind: 'found'; readonly secret: Buffer }
  | { readonly kind: 'missing' }
  /** HEMS_SECRET_KEY is not set: nothing can be kept or read. */
  | { readonly kind: 'no_key' }
  /** Wrapped by a key that is not among ours, or altered since. */
  | { readonly kind: 'not_readable'; readonly keyId: string };

/** Secrets at rest in the database, each wrapped. Without a wrapping key it keeps nothing and says so. */
export interface SecretStore {
  readonly hasKey: boolean;
  read(name: string): Promise<SecretResult>;
  /** False without a wrapping key. */
  write(name: string, secret: Uint8Array): Promise<boolean>;
  /** Writes it only where there is none, and answers what is there then. */
  ensure(name: string, make: () => Uint8Array): Promise<SecretResult>;
  /** Wraps everything anew under the first key; names what no key of ours opens, and changes nothing then. */
  rotate(): Promise<{ readonly rewrapped: number; readonly unreadable: readonly string[] }>;
}

interface Row extends Wrapped {
  readonly name: string;
}

const columns = `name, key_id as "keyId", nonce, wrapped`;

export function createSecretStore(db: Database, keys: readonly WrappingKey[] | undefined): SecretStore {
  const [current] = keys ?? [];
  const open = (row: Row): SecretResult => {
    const key = keys?.find(({ id }) => id === row.keyId);
    const secret = key === undefined ? undefined : unwrap(key, row.name, row);
    return secret === undefined ? { kind: 'not_readable', keyId: row.keyId } : { kind: 'found', secret };
  };
  const read = async (name: string): Promise<SecretResult> => {
    if (current === undefined) return { kind: 'no_key' };
    const { rows } = await db.query<Row>({ text: `select ${columns} from secrets where name = $1`, values: [name] });
    return rows[0] === undefined ? { kind: 'missing' } : open(rows[0]);
  };
  return {
    hasKey: current !== undefined,
    read,
    write: async (name, secret) => {
      if (current === undefined) return false;
      await store(db, name, wrap(current, name, secret), 'replace');
      return true;
    },
    ensure: async (name, make) => {
      const found = await read(name);
      if (found.kind !== 'missing' || current === undefined) return found;
      await store(db, name, wrap(current, name, make()), 'keep');
      return read(name);
    },
    rotate: () => db.transaction((tx) => rotate(tx, current, open)),
  };
}

async function store(db: Queryable, name: string, { keyId, nonce, wrapped }: Wrapped, there: 'replace' | 'keep') {
  const otherwise =
    there === 'keep'
      ? 'do nothing'
      : `do update set key_id = excluded.key_id, nonce = excluded.nonce, wrapped = excluded.wrapped, updated_at = now()`;
  await db.query({
    text: `insert into secrets (name, key_id, nonce, wrapped) values ($1, $2, $3, $4) on conflict (name) ${otherwise}`,
    values: [name, keyId, nonce, wrapped],
  });
}

async function rotate(tx: Queryable, current: WrappingKey | undefined, open: (row: Row) => SecretResult) {
  const { rows } = await tx.query<Row>({ text: `select ${columns} from secrets order by name for update` });
  const opened = rows.map((row) => ({ row, result: open(row) }));
  const unreadable = opened.filter(({ result }) => result.kind !== 'found').map(({ row }) => row.name);
  if (current === undefined || unreadable.length > 0) return { rewrapped: 0, unreadable };
  for (const { row, result } of opened)
    if (result.kind === 'found' && row.keyId !== current.id) {
      const { keyId, nonce, wrapped } = wrap(current, row.name, result.secret);
      await tx.query({
        text: `update secrets set key_id = $2, nonce = $3, wrapped = $4, updated_at = now() where name = $1`,
        values: [row.name, keyId, nonce, wrapped],
      });
    }
  return { rewrapped: opened.filter(({ row }) => row.keyId !== current.id).length, unreadable };
}
