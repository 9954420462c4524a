import type { ApiKeys } from './api-keys.ts';
import type { HolderResult } from './holder.ts';
import type { JudgeStaff } from './staff-certificates.ts';

/** Every way by which somebody may prove who they are at the management door. */
export interface Credentials {
  /** What stands behind `Authorization: Bearer`: an API key, or a token of the OpenID provider. */
  bearer(text: string): Promise<HolderResult>;
  /**
   * Whether `bearer` is worth asking where somebody guesses: at a bounded cost, whatever the text. A token is judged by
   * keys in memory, and is always.
   */
  isLikely(text: string): Promise<boolean>;
  /** DER, the leaf first, as sent in the handshake; absent: certificates open nothing. */
  readonly certificate?: JudgeStaff;
}

export interface CredentialsDeps {
  readonly keys: Pick<ApiKeys, 'verify' | 'isLikely'>;
  readonly oidc?: ((token: string) => Promise<HolderResult>) | undefined;
  readonly staff?: JudgeStaff | undefined;
}

/** RFC 7515 7.1: three parts; a key of ours has no dot. */
const tokenShape = /^[\w-]+\.[\w-]+\.[\w-]*$/;

export function createCredentials({ keys, oidc, staff }: CredentialsDeps): Credentials {
  return {
    bearer: async (text) => {
      if (oidc !== undefined && tokenShape.test(text)) return oidc(text);
      const key = await keys.verify(text);
      if (key === undefined) return { ok: false, kind: 'invalid', cause: 'this is no API key in force' };
      const { id, name, role, group } = key;
      return { ok: true, holder: { kind: 'key', id, name, role, group } };
    },
    isLikely: async (text) => (oidc !== undefined && tokenShape.test(text)) || keys.isLikely(text),
    ...(staff !== undefined && { certificate: staff }),
  };
}
