import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';

/** A key that wraps secrets at rest; it never enters the database. */
export interface WrappingKey {
  /** Tells keys apart and says nothing of them. */
  readonly id: string;
  readonly key: Buffer;
}

export interface Wrapped {
  readonly keyId: string;
  readonly nonce: Buffer;
  readonly wrapped: Buffer;
}

/**
 * The keys of HEMS_SECRET_KEY: 32 bytes each, in base64 or hexadecimal, separated by commas or white space. The first
 * wraps; the others still open what they wrapped. Undefined where one of them is no such key.
 */
export function readWrappingKeys(text: string): readonly WrappingKey[] | undefined {
  const keys = text.split(/[\s,]+/).flatMap((part) => (part === '' ? [] : [bytesOf(part)]));
  if (keys.length === 0 || keys.some((key) => key?.length !== 32)) return undefined;
  return keys.flatMap((key) => (key === undefined ? [] : [{ id: idOf(key), key }]));
}

function bytesOf(text: string): Buffer | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  return /^[A-Za-z0-9+/_-]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}

function idOf(key: Buffer): string {
  return hash('sha256', Buffer.concat([Buffer.from('hems wrapping key '), key]), 'hex').slice(0, 16);
}

/** AES-256-GCM; the name is bound in, so that a secret cannot be put in the place of another. */
export function wrap({ id, key }: WrappingKey, name: string, secret: Uint8Array): Wrapped {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(name));
  const wrapped = Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
  return { keyId: id, nonce, wrapped };
}

/** Undefined: it was altered, or is another's. */
export function unwrap({ key }: WrappingKey, name: string, { nonce, wrapped }: Wrapped): Buffer | undefined {
  if (wrapped.length < 16) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(name));
  decipher.setAuthTag(wrapped.subarray(-16));
  try {
    return Buffer.concat([decipher.update(wrapped.subarray(0, -16)), decipher.final()]);
  } catch {
    return undefined;
  }
}
