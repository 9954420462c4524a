import { isIP } from 'node:net';
import { addressFault, canonicalAddress } from './address-ranges.ts';
import { type EgressPolicy, type Refused, refused } from './egress-request.ts';

/** A URL that may be called. */
export interface Target {
  readonly url: URL;
  /** Lower case, without brackets and trailing dot. */
  readonly host: string;
  readonly port: number;
  /** The operator named it: its address may be private. */
  readonly named: boolean;
}

const longestUrl = 2048;
const defaultPorts: readonly number[] = [80, 443];
const mostRedirects = 5;

/** Judges a URL by everything that can be told without asking anybody. */
export function judgeTarget(text: string, policy: EgressPolicy): Target | Refused {
  // The URL parser drops tabs and line ends in silence; whoever writes them means something else than he shows.
  if (text.length > longestUrl || !/^[\x21-\x7e]+$/.test(text))
    return refused('url', text.length > longestUrl ? `is longer than ${longestUrl}` : 'has characters that no URL has');
  const url = URL.parse(text);
  if (url === null) return refused('url', 'is no URL');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return refused('scheme', `is not http or https`);
  if (url.username !== '' || url.password !== '') return refused('url', 'holds a user or password');
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  if (host === '') return refused('url', 'names no host');
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  const named = exactly(policy.privateHosts, host, port);
  const listed = policy.hosts?.some((entry) => matches(entry, host, port)) ?? false;
  if (!named && !listed) {
    if (policy.proxy !== undefined && policy.hosts === undefined)
      return refused('host', 'goes by a proxy, and no list says which hosts may be asked for there');
    if (policy.hosts !== undefined) return refused('host', `${host}:${port} is not among the hosts allowed`);
  }
  const ports = policy.ports ?? defaultPorts;
  if (!ports.includes(port) && !namesPort([...(policy.privateHosts ?? []), ...(policy.hosts ?? [])], host, port))
    return refused('port', `port ${port} is not among those allowed`);
  return addressOf(host, named, policy) ?? { url, host, port, named };
}

/** An address in the URL needs no resolving to be judged, and behind a proxy this is the only look at it. */
function addressOf(host: string, named: boolean, policy: EgressPolicy): Refused | undefined {
  if (named || isIP(host) === 0) return undefined;
  const fault = (policy.judgeAddress ?? addressFault)(host);
  return fault === undefined ? undefined : refused('address', `${host} ${fault}`);
}

interface HostEntry {
  readonly host: string;
  readonly port: number | undefined;
}

function parseEntry(entry: string): HostEntry {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+|[^:]*:[^:]*:.*))(?::(\d{1,5}))?$/.exec(entry) ?? [];
  const host = (bracketed ?? plain ?? '').toLowerCase();
  return { host: canonicalAddress(host), port: port === undefined ? undefined : Number(port) };
}

function matches(entry: string, host: string, port: number): boolean {
  const wanted = parseEntry(entry);
  if (wanted.port !== undefined && wanted.port !== port) return false;
  if (wanted.host.startsWith('*.')) return isIP(host) === 0 && host.endsWith(wanted.host.slice(1));
  return wanted.host === canonicalAddress(host);
}

function exactly(entries: readonly string[] | undefined, host: string, port: number): boolean {
  return entries?.some((entry) => !entry.startsWith('*') && matches(entry, host, port)) ?? false;
}

function namesPort(entries: readonly string[], host: string, port: number): boolean {
  return entries.some((entry) => parseEntry(entry).port === port && matches(entry, host, port));
}

/** Whether and where to a redirect leads on. */
export function followRedirect(
  from: Target,
  location: string | undefined,
  hops: number,
  policy: EgressPolicy,
): Target | Refused {
  const most = Math.min(policy.redirects ?? 0, mostRedirects);
  if (hops >= most)
    return refused('redirect', most === 0 ? 'redirects are not followed' : `more than ${most} redirects`);
  if (location === undefined || !/^[\x21-\x7e]+$/.test(location)) return refused('redirect', 'leads nowhere');
  const url = URL.parse(location, from.url.href);
  if (url === null) return refused('redirect', 'leads nowhere');
  // To http it would lose its protection; to https it could ask for a certificate whose status is asked for by us.
  if (url.protocol !== from.url.protocol) return refused('redirect', 'leads to another scheme');
  return judgeTarget(url.href, policy);
}
