import { isIP, isIPv6 } from 'node:net';
import { type ConfigFault, nearest } from './fault.ts';
import { managementFaults } from './management-checks.ts';
import type { AnchorConfig, Config, ListenerConfig } from './schema.ts';

export interface Checked {
  readonly faults: readonly ConfigFault[];
  readonly warnings: readonly ConfigFault[];
}

/** What one key alone cannot tell: names that must exist, doors that collide, realms that two anchors claim. */
export function checkConfig(config: Config): Checked {
  const { listeners, anchors } = config;
  return {
    faults: [
      ...duplicates('listeners', listeners),
      ...duplicates('anchors', anchors),
      ...listeners.flatMap((listener, i) => listenerFaults(listener, i, anchors)),
      ...anchors.flatMap((anchor, i) => anchorFaults(anchor, i, anchors)),
      ...claimedTwice(anchors),
      ...addressFaults('management.address', config.management.address),
      ...managementFaults(config),
      ...collisions(config),
      ...databaseFaults(config.database.url),
      ...secretKeyFaults(config.secretKey),
      ...limitFaults(config),
      ...fileFaults(config),
    ],
    warnings: [...anchors.flatMap((anchor, i) => anchorWarnings(anchor, i, listeners))],
  };
}

function duplicates(list: string, entries: readonly { name: string }[]): readonly ConfigFault[] {
  return entries.flatMap(({ name }, i) => {
    const first = entries.findIndex((entry) => entry.name === name);
    if (first === i) return [];
    return [
      { key: `${list}[${i}].name`, cause: `${list}[${first}] is called ${name} too`, remedy: 'rename one of them' },
    ];
  });
}

function unknownName(key: string, name: string, anchors: readonly AnchorConfig[]): readonly ConfigFault[] {
  const names = anchors.map((anchor) => anchor.name);
  if (names.includes(name)) return [];
  const meant = nearest(name, names);
  const remedy = meant === undefined ? `the anchors are ${names.join(', ') || '(none)'}` : `did you mean ${meant}?`;
  return [{ key, cause: `there is no anchor ${name}`, remedy }];
}

function listenerFaults(listener: ListenerConfig, i: number, anchors: readonly AnchorConfig[]): readonly ConfigFault[] {
  const key = `listeners[${i}]`;
  const url = new URL(listener.publicUrl);
  const faults = [
    ...addressFaults(`${key}.address`, listener.address),
    ...listener.anchors.flatMap((name, j) => unknownName(`${key}.anchors[${j}]`, name, anchors)),
    ...staplingFaults(listener, key),
  ];
  // Devices keep this URL for years and send what stands in it to every proxy on the way.
  if (url.username !== '' || url.password !== '')
    faults.push({
      key: `${key}.publicUrl`,
      cause: 'holds a user or password',
      remedy: 'devices prove who they are by certificate: leave it out',
    });
  if (url.hash !== '' || url.search !== '')
    faults.push({
      key: `${key}.publicUrl`,
      cause: 'holds a query or fragment',
      remedy: 'write scheme, host, port and path only',
    });
  return faults;
}

function staplingFaults({ stapling }: ListenerConfig, key: string): readonly ConfigFault[] {
  return (['responder', 'proxy'] as const).flatMap((part) => {
    const url = URL.parse(stapling[part] ?? '');
    if (url === null || (url.username === '' && url.password === '')) return [];
    const remedy = 'name a server that asks for none: it would stand in the open in logs and printed configurations';
    return [{ key: `${key}.stapling.${part}`, cause: 'holds a user or password', remedy }];
  });
}

function addressFaults(key: string, address: string): readonly ConfigFault[] {
  if (address === 'localhost' || isIP(address) !== 0) return [];
  const remedy = 'write an IP address of this machine: 127.0.0.1, 0.0.0.0 (all of IPv4), ::1 or :: (all)';
  return [{ key, cause: `${JSON.stringify(address)} is no IP address`, remedy }];
}

interface Door {
  readonly key: string;
  readonly address: string;
  readonly port: number;
}

function collisions({ listeners, management }: Config): readonly ConfigFault[] {
  const doors: readonly Door[] = [
    ...listeners.map(({ address, port }, i) => ({ key: `listeners[${i}].port`, address, port })),
    { key: 'management.port', address: management.address, port: management.port },
  ];
  return doors.flatMap((door, i) => {
    const rival = doors.slice(0, i).find((other) => collide(door, other));
    if (rival === undefined) return [];
    return [
      {
        key: door.key,
        cause: `${door.port} is taken by ${rival.key}`,
        remedy: 'give one of them another port or address',
      },
    ];
  });
}

function collide(a: Door, b: Door): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  const loopback = (address: string): string => (address === 'localhost' ? '127.0.0.1' : address);
  const [one, two] = [loopback(a.address), loopback(b.address)];
  // Node binds :: for both families.
  if (one === two || one === '::' || two === '::') return true;
  return isIPv6(one) === isIPv6(two) && [one, two].includes('0.0.0.0');
}

function anchorFaults(anchor: AnchorConfig, i: number, anchors: readonly AnchorConfig[]): readonly ConfigFault[] {
  const key = `anchors[${i}]`;
  const repeated = anchor.identity.find((rule, j) => anchor.identity.indexOf(rule) !== j);
  return [
    ...anchor.sharesRealmsWith.flatMap((name, j) => unknownName(`${key}.sharesRealmsWith[${j}]`, name, anchors)),
    ...(repeated === undefined
      ? []
      : [
          {
            key: `${key}.identity`,
            cause: `${repeated} is there twice`,
            remedy: 'name each rule once, in the order to try',
          },
        ]),
  ];
}

/** Two manufacturers that may both name devices of one realm may each pass for the other's. */
function claimedTwice(anchors: readonly AnchorConfig[]): readonly ConfigFault[] {
  return anchors.flatMap((anchor, i) =>
    anchors.slice(0, i).flatMap((other) => {
      if (anchor.name === other.name) return [];
      if (anchor.sharesRealmsWith.includes(other.name) || other.sharesRealmsWith.includes(anchor.name)) return [];
      const j = anchor.realms.findIndex((realm) => other.realms.some((theirs) => covers(realm, theirs)));
      if (j < 0) return [];
      return [
        {
          key: `anchors[${i}].realms[${j}]`,
          cause: `anchor ${other.name} claims ${anchor.realms[j]} or a part of it too`,
          remedy: `part the realms, or say that it is meant: sharesRealmsWith: [${other.name}]`,
        },
      ];
    }),
  );
}

function covers(a: string, b: string): boolean {
  return a === b || a.endsWith(`.${b}`) || b.endsWith(`.${a}`);
}

function anchorWarnings(anchor: AnchorConfig, i: number, listeners: readonly ListenerConfig[]): readonly ConfigFault[] {
  const key = `anchors[${i}]`;
  const warnings: ConfigFault[] = [];
  if (listeners.length > 0 && !listeners.some((listener) => listener.anchors.includes(anchor.name)))
    warnings.push({
      key: `${key}.name`,
      cause: `no listener accepts ${anchor.name}`,
      remedy: 'add it to listeners[].anchors, or remove it',
    });
  if (anchor.realms.length === 0 && anchor.identity.some((rule) => rule !== 'cn-oui-serial'))
    warnings.push({
      key: `${key}.realms`,
      cause: 'is empty, so that every FQDN identity is refused',
      remedy: 'name the realms that it may speak for',
    });
  // TS 33.320 8.3.4: no authentication by shared secret between H(e)NB and H(e)MS; that it goes on is the operator's will.
  if (anchor.connectionRequest === 'digest')
    warnings.push({
      key: `${key}.connectionRequest`,
      cause: 'digest is a shared secret, a deviation from TS 33.320 8.3.4',
      remedy: 'prefer certificate: https, or plain http inside the tunnel (connectionRequests.networks)',
    });
  if (anchor.registration === 'auto' && anchor.autoRegistration.ouis.length === 0)
    warnings.push({
      key: `${key}.autoRegistration.ouis`,
      cause: 'is empty, so that nothing is registered',
      remedy: 'name the OUIs to expect',
    });
  return warnings;
}

function databaseFaults(url: string | undefined): readonly ConfigFault[] {
  if (url === undefined) return [];
  const remedy = 'write postgresql://user:password@host:5432/database; percent-encode what is special in the password';
  const parsed = URL.parse(url) ?? URL.parse(url.replace('@/', '@localhost/'));
  // The value itself stays out of the message: it holds a password.
  if (parsed === null) return [{ key: 'database.url', cause: 'is no URL', remedy }];
  if (!['postgres:', 'postgresql:'].includes(parsed.protocol))
    return [{ key: 'database.url', cause: 'is no Postgres URL', remedy }];
  if (/@/.test(parsed.pathname))
    return [{ key: 'database.url', cause: 'has an "@" after the host, as of a password with a "/" in it', remedy }];
  return [];
}

/** The value stays out of the message. */
function secretKeyFaults(text: string | undefined): readonly ConfigFault[] {
  const parts = text?.split(/[\s,]+/).filter((part) => part !== '');
  const isKey = (part: string): boolean => /^[0-9a-f]{64}$/i.test(part) || /^[A-Za-z0-9+/_-]{43}=?$/.test(part);
  if (parts === undefined || (parts.length > 0 && parts.every(isKey))) return [];
  return [
    {
      key: 'HEMS_SECRET_KEY',
      cause: 'is no key of 32 bytes in base64 or hexadecimal',
      remedy: '"hems secret key" prints a new one; several are separated by commas, the first wraps',
    },
  ];
}

const hour = 3_600_000;

function limitFaults({ maxResumptionAge, limits }: Config): readonly ConfigFault[] {
  const faults: ConfigFault[] = [];
  // A device shows its certificate anew at least once a day, whatever it resumes.
  if (maxResumptionAge > 24 * hour)
    faults.push({ key: 'maxResumptionAge', cause: 'is longer than 24 hours', remedy: 'write 24h or less' });
  if (limits.handshakesInFlightPerAddress > limits.handshakesInFlight)
    faults.push({
      key: 'limits.handshakesInFlightPerAddress',
      cause: `exceeds limits.handshakesInFlight (${limits.handshakesInFlight})`,
      remedy: 'lower it, or raise the other',
    });
  return faults;
}

function fileFaults({ files }: Config): readonly ConfigFault[] {
  const faults: ConfigFault[] = [...duplicates('files.slots', files.slots)];
  if (files.store === 'directory' && files.directory === undefined)
    faults.push({ key: 'files.directory', cause: 'is missing', remedy: 'name the directory that all nodes share' });
  if (files.deviceBytes > files.totalBytes)
    faults.push({
      key: 'files.deviceBytes',
      cause: `exceeds files.totalBytes (${files.totalBytes})`,
      remedy: 'lower it, or raise the other',
    });
  return faults;
}
