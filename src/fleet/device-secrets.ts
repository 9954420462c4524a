import { randomBytes } from 'node:crypto';
import type { Database } from '../platform/postgres.ts';
import { createSecretStore } from '../platform/secrets.ts';
import { readWrappingKeys, unwrap, type WrappingKey, wrap } from '../platform/wrapping-keys.ts';

/**
 * Secrets that stand in rows of devices. They are wrapped by a key of their own, which is kept wrapped by
 * HEMS_SECRET_KEY: when that one is changed, the rows stay as they are.
 */
export interface DeviceSecrets {
  /** `name` is bound in, so that a secret cannot be put in the place of another. Undefined: there is no wrapping key. */
  seal(name: string, secret: string): Promise<string | undefined>;
  open(name: string, sealed: string): Promise<OpenedSecret>;
}

export type OpenedSecret =
  | { readonly ok: true; readonly secret: string }
  | { readonly ok: false; readonly cause: string };

const keyName = 'device-secrets';

export function createDeviceSecrets(db: Database, secretKey: string | undefined): DeviceSecrets {
  const store = createSecretStore(db, secretKey === undefined ? undefined : readWrappingKeys(secretKey));
  let known: WrappingKey | undefined;
  const key = async (): Promise<WrappingKey | string> => {
    if (known !== undefined) return known;
    const found = await store.ensure(keyName, () => randomBytes(32));
    if (found.kind === 'no_key') return 'HEMS_SECRET_KEY is not set';
    if (found.kind !== 'found') return 'no key of HEMS_SECRET_KEY opens what wrapped it';
    known = { id: keyName, key: found.secret };
    return known;
  };
  return {
    seal: async (name, secret) => {
      const wrapping = await key();
      if (typeof wrapping === 'string') return undefined;
      const { nonce, wrapped } = wrap(wrapping, name, Buffer.from(secret, 'utf8'));
      return Buffer.concat([nonce, wrapped]).toString('base64');
    },
    open: async (name, sealed) => {
      const wrapping = await key();
      if (typeof wrapping === 'string') return { ok: false, cause: wrapping };
      const bytes = Buffer.from(sealed, 'base64');
      const parts = { keyId: keyName, nonce: bytes.subarray(0, 12), wrapped: bytes.subarray(12) };
      const secret = bytes.length < 28 ? undefined : unwrap(wrapping, name, parts);
      return secret === undefined
        ? { ok: false, cause: 'it was altered, or is another one' }
        : { ok: true, secret: secret.toString('utf8') };
    },
  };
}

/** For whoever has no wrapping key: it keeps nothing and says so. */
export const noDeviceSecrets: DeviceSecrets = {
  seal: async () => undefined,
  open: async () => ({ ok: false, cause: 'HEMS_SECRET_KEY is not set' }),
};
