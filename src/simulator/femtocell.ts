import { type DeviceState, newDeviceState } from './device-state.ts';
import type { DataModel } from './femtocell-model.ts';
import { createParameterTree } from './parameter-tree.ts';
import type { CwmpVersion, DeviceIdStruct } from './soap-writer.ts';
import type { ClientCredentials, TlsVersion } from './tls-client.ts';

export interface FemtocellOptions {
  /** The ACS URL; https. */
  readonly url: string;
  /** PEM of the CA by which the H(e)MS is trusted. */
  readonly ca: string;
  /** Absent: a device that shows no certificate. */
  readonly credentials?: ClientCredentials;
  /** What its Informs claim to be; see `deviceIdOf`. */
  readonly deviceId: DeviceIdStruct;
  readonly tls?: { readonly version?: TlsVersion; readonly ciphers?: string };
  /** Default 1.1, the version of the 3GPP documents (CWMP-2). */
  readonly cwmp?: CwmpVersion;
  readonly dataModel?: DataModel;
  /** Resume the TLS session of the last time. Default true. */
  readonly resume?: boolean;
  /** A reboot takes so long. Default 0. */
  readonly rebootMs?: number;
  /** For each handshake and each reply. Default 30 000. */
  readonly timeoutMs?: number;
}

/** One device: what it remembers between sessions. `runSession` makes it call its ACS. */
export interface Femtocell {
  readonly options: FemtocellOptions;
  readonly state: DeviceState;
  /** The TLS session to resume. May be set, to carry a session where it does not belong. */
  tlsSession: Buffer | undefined;
  /** Told in its Informs, once it listens for connection requests. */
  connectionRequestUrl: string | undefined;
  inSession: boolean;
  /** Sessions that failed since the last good one (RetryCount). */
  retryCount: number;
}

export function createFemtocell(options: FemtocellOptions): Femtocell {
  const tree = createParameterTree(options.dataModel ?? 'tr-196-2', options.deviceId, options.url);
  return {
    options,
    state: newDeviceState(tree, new Date()),
    tlsSession: undefined,
    connectionRequestUrl: undefined,
    inSession: false,
    retryCount: 0,
  };
}

/** The DeviceIdStruct of a device whose certificate carries `<EUI>.<realm>` or `OUI[-ProductClass]-Serial`. */
export function deviceIdOf(identity: string, manufacturer: string): DeviceIdStruct {
  const [label = '', ...realm] = identity.split('.');
  if (realm.length > 0) {
    const serialNumber = label.toUpperCase();
    return { manufacturer, oui: serialNumber.slice(0, 6), productClass: 'FAP', serialNumber };
  }
  const [oui = '', ...rest] = identity.split('-').map(decodeURIComponent);
  return {
    manufacturer,
    oui,
    productClass: rest.length > 1 ? (rest[0] ?? '') : 'FAP',
    serialNumber: rest.at(-1) ?? '',
  };
}
