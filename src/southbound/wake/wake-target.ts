import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { addressFault, canonicalAddress } from '../../platform/egress/address-ranges.ts';
import type { EgressPolicy } from '../../platform/egress/egress-request.ts';

/*
 * Where a connection request may go. The device chooses the URL, so it decides nothing but the port and the path: the
 * address is the one that the device itself was last seen from, or, by configuration, one of the same tunnel network.
 */

export interface WakeRules {
  /** Networks in which only devices are, as CIDR. */
  readonly networks: readonly string[];
  readonly target: 'last-seen' | 'network';
}

export interface Wanted {
  readonly url: string | null;
  readonly lastAddress: string | null;
}

export type WakeTarget =
  | {
      readonly ok: true;
      readonly url: string;
      readonly form: 'plain' | 'certificate';
      readonly policy: EgressPolicy;
      /** An address of the tunnel network where the device was not seen: it may be another device's. */
      readonly elsewhere: string | undefined;
    }
  | { readonly ok: false; readonly cause: string; readonly detail: string; readonly remedy: string };

const anyPort = 1023;

export function judgeWakeTarget({ url: text, lastAddress }: Wanted, rules: WakeRules): WakeTarget {
  if (text === null)
    return refused('no-url', 'the device has told no ConnectionRequestURL', 'wait for its next Inform');
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    return refused('url', 'the ConnectionRequestURL is no http or https URL', fixUrl);
  if (lastAddress === null)
    return refused('not-seen', 'nobody knows from where the device calls', 'wait for its next Inform');
  const last = canonicalAddress(lastAddress);
  const own = rules.networks.filter((network) => isWithin(last, network));
  if (url.protocol === 'http:' && own.length === 0)
    return refused(
      'not-in-tunnel',
      `plain http is for connectionRequests.networks, and the device was last seen from ${last}`,
      'give the device an https URL; or list its network, if only devices are in it',
    );
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  if (port <= anyPort && port !== 80 && port !== 443)
    return refused('port', `port ${port} is neither 80, 443 nor above ${anyPort}`, fixUrl);
  const literal = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const judgeAddress = addressJudge(last, own, rules, isIP(literal) !== 0);
  const elsewhere = isIP(literal) !== 0 && canonicalAddress(literal) !== last ? canonicalAddress(literal) : undefined;
  return {
    ok: true,
    url: text,
    form: url.protocol === 'https:' ? 'certificate' : 'plain',
    policy: { judgeAddress, ports: [port] },
    elsewhere,
  };
}

const fixUrl = 'the device chooses it: see to its configuration';

function refused(cause: string, detail: string, remedy: string): WakeTarget {
  return { ok: false, cause, detail, remedy };
}

/** What is wrong with an address, as the egress says it: "10.0.0.1 <fault>". */
function addressJudge(last: string, own: readonly string[], { target }: WakeRules, literal: boolean) {
  return (address: string): string | undefined => {
    const canonical = canonicalAddress(address);
    // A name could mean another device tomorrow: it may mean the device's own address alone.
    const near = target === 'network' && literal && own.some((network) => isWithin(canonical, network));
    if (canonical !== last && !near) return `is not the address that the device was last seen from (${last})`;
    if (own.some((network) => isWithin(canonical, network))) return undefined;
    return addressFault(canonical);
  };
}

/** `address` canonical; IPv4 inside IPv6 is IPv4. */
export function isWithin(address: string, network: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  const [base, bits] = ipaddr.parseCIDR(network);
  return parsed.kind() === base.kind() && parsed.match(base, bits);
}
