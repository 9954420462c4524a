import { isIP } from 'node:net';

/** An address as Postgres' inet takes it: IPv4 where it is mapped into IPv6, no zone; null if it is none. */
export function normalAddress(address: string): string | null {
  const plain = address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
  const zone = plain.indexOf('%');
  const bare = zone === -1 ? plain : plain.slice(0, zone);
  return isIP(bare) === 0 ? null : bare;
}
