import type { AnchorName } from '../development-authorities.ts';
import type { TlsVersion } from '../tls-client.ts';
import { type Cast, known, perform, role, stage } from './cast.ts';
import type { Scenario, Step } from './scenario.ts';

const makers = { acme: 'Acme', zenith: 'Zenith' } as const;
const keys = { ec: 'EC P-256', rsa: 'RSA-2048' } as const;
const versions = { 'TLSv1.2': 'TLS 1.2', 'TLSv1.3': 'TLS 1.3' } as const;

const entries = <K extends string, V>(table: Readonly<Record<K, V>>): [K, V][] => Object.entries(table) as [K, V][];

export const admitted = (label: string, tlsVersion?: string): Step => ({
  label,
  door: 'main',
  expect: { outcome: 'admitted', http: 204, ...(tlsVersion === undefined ? {} : { tlsVersion }) },
});

/** Devices that an operator wants to see let in. */
export function goodDevices(cast: Cast): Scenario[] {
  const plain = entries(makers).flatMap(([anchor, maker]) =>
    entries(keys).flatMap(([key, kind]) =>
      entries(versions).map(([version, spoken]) =>
        goodDevice(cast, anchor, key, version, `${maker} device, ${kind}, ${spoken}`),
      ),
    ),
  );
  return [...plain, twoCertificates(cast), resumption(cast), withoutExpiry(cast)];
}

function goodDevice(cast: Cast, anchor: AnchorName, key: 'ec' | 'rsa', version: TlsVersion, title: string): Scenario {
  const device = role(cast, anchor);
  return {
    name: `good-${anchor}-${key}-${version.toLowerCase().replace('v', '-')}`,
    title,
    prepare: known(device),
    steps: [admitted('Inform', version)],
    run: async (context) => [await perform(await stage(context, device, { key, tls: { version } }))],
  };
}

function twoCertificates(cast: Cast): Scenario {
  const maker = role(cast, 'acme');
  const label = maker.identity.split('.')[0] ?? '';
  const operator = { anchor: 'operator', identity: `${label}.hnb.operator.example` } as const;
  return {
    name: 'two-certificates',
    title: 'Two certificates of one device',
    prepare: [{ identities: [maker, operator] }],
    steps: [admitted('its manufacturer’s'), admitted('its operator’s')],
    run: async (context) => [await perform(await stage(context, maker)), await perform(await stage(context, operator))],
  };
}

function resumption(cast: Cast): Scenario {
  const device = role(cast, 'zenith');
  const resumed = admitted('resumed');
  return {
    name: 'resumption',
    title: 'A resumed TLS session',
    prepare: known(device),
    steps: [admitted('full handshake'), { ...resumed, expect: { ...resumed.expect, resumed: true } }],
    run: async (context) => {
      const cell = await stage(context, device);
      return [await perform(cell), await perform(cell)];
    },
  };
}

function withoutExpiry(cast: Cast): Scenario {
  const device = role(cast, 'acme');
  return {
    name: 'no-expiry',
    title: 'A certificate valid until 9999',
    prepare: known(device),
    steps: [admitted('Inform')],
    run: async (context) => [await perform(await stage(context, device, { faults: ['no-expiry'] }))],
  };
}
