import ipaddr from 'ipaddr.js';
import { normalAddress } from '../fleet/addresses.ts';

/**
 * The network that a source is counted by, in CIDR notation: a household or a provider's customer has a whole IPv6 /64
 * to speak from. Undefined for what is no address.
 */
export function sourceBlock(address: string, ipv4Block: 32 | 24): string | undefined {
  const plain = normalAddress(address);
  if (plain === null) return undefined;
  if (!plain.includes(':')) return ipv4Block === 32 ? `${plain}/32` : `${plain.slice(0, plain.lastIndexOf('.'))}.0/24`;
  const parsed = ipaddr.IPv6.parse(plain);
  // Mapped in hexadecimal form.
  if (parsed.isIPv4MappedAddress()) return sourceBlock(parsed.toIPv4Address().toString(), ipv4Block);
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${plain}/64`).toString()}/64`;
}
