import { runSession } from '../cwmp-session.ts';
import { type AnchorName, anchorPlans } from '../development-authorities.ts';
import { type DeviceFault, type DeviceOrder, issueDevice } from '../device-certificates.ts';
import { createFemtocell, deviceIdOf, type Femtocell, type FemtocellOptions } from '../femtocell.ts';
import type { SessionOptions } from '../session-report.ts';
import type { DeviceToAdd, DoorName, Observation, ScenarioContext } from './scenario.ts';
import { ofSession } from './scenario.ts';

/** Hands out EUIs that no other scenario of this run has, and other runs on the same data hardly ever. */
export interface Cast {
  eui(anchor: AnchorName): string;
}

/** `run` tells runs apart: its low 14 bits stand in every EUI. */
export function createCast(run: number): Cast {
  let count = 0;
  return {
    eui: (anchor) => {
      count += 1;
      const device = ((run & 0x3fff) << 10) | (count & 0x3ff);
      return `${anchorPlans[anchor].oui}${device.toString(16).padStart(6, '0')}`.toLowerCase();
    },
  };
}

/** A device of one maker: who it is, before any certificate. */
export interface Role {
  readonly anchor: AnchorName;
  readonly identity: string;
}

export function role(cast: Cast, anchor: AnchorName): Role {
  return { anchor, identity: `${cast.eui(anchor)}.${anchorPlans[anchor].realm}` };
}

export const known = (...roles: readonly Role[]): DeviceToAdd[] => roles.map((one) => ({ identities: [one] }));

export interface Props {
  readonly key?: DeviceOrder['key'];
  readonly faults?: readonly DeviceFault[];
  readonly door?: DoorName;
  readonly tls?: FemtocellOptions['tls'];
  /** Where its certificate says that it can be asked about. */
  readonly pointers?: NonNullable<DeviceOrder['pointers']>;
  /** Shows no certificate at all. */
  readonly bare?: boolean;
}

/** A femtocell with a certificate made for the occasion. */
export async function stage(
  context: ScenarioContext,
  { anchor, identity }: Role,
  props: Props = {},
): Promise<Femtocell> {
  const { pki, at, doors } = context;
  const { key = 'ec', faults = [], door = 'main', tls = {}, bare = false, pointers } = props;
  const device = await issueDevice({ pki, anchor, identity, key, at, faults, ...(pointers && { pointers }) });
  return createFemtocell({
    url: doors[door],
    ca: device.ca,
    ...(bare ? {} : { credentials: device }),
    deviceId: deviceIdOf(identity, anchorPlans[anchor].organisation),
    tls,
    timeoutMs: 15_000,
  });
}

export async function perform(cell: Femtocell, options?: SessionOptions): Promise<Observation> {
  return ofSession(await runSession(cell, options));
}
