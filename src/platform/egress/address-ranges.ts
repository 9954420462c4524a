import ipaddr from 'ipaddr.js';

/** Virtual machines reach their host's metadata here, from an address block that looks public. */
const metadata = new Set(['168.63.129.16']);

/**
 * What is wrong with connecting to an address out of a name or URL that a stranger may have written; undefined for a
 * public one. An IPv4 address inside an IPv6 one (mapped, or by NAT64) is judged for what it is.
 */
export function addressFault(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return 'is no address';
  const parsed = ipaddr.process(address);
  const inner = parsed.kind() === 'ipv6' ? nat64(parsed as ipaddr.IPv6) : undefined;
  const judged = inner ?? parsed;
  const range = judged.range();
  if (range !== 'unicast') return `is in the range ${range}`;
  return metadata.has(judged.toString()) ? 'serves the metadata of a virtual machine' : undefined;
}

/** RFC 6052 2.1: 64:ff9b::/96 holds an IPv4 address in its last four octets. */
function nat64(address: ipaddr.IPv6): ipaddr.IPv4 | undefined {
  return address.range() === 'rfc6052' ? new ipaddr.IPv4(address.toByteArray().slice(12)) : undefined;
}

/** One spelling for equal addresses, so that what is compared cannot be written around. */
export function canonicalAddress(address: string): string {
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : address;
}
