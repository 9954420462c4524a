import type { Config } from '../config/schema.ts';
import { parseIdentityName } from '../fleet/identity.ts';
import { createRegister, type Register } from '../fleet/register.ts';
import { systemClock } from '../platform/clock.ts';
import type { Database } from '../platform/postgres.ts';
import { commandLogger } from './configuration.ts';
import { withDatabase } from './database-access.ts';
import { exitCodes, failure } from './failure.ts';
import { byOperator } from './operator.ts';

/** A device as simulator and demo describe it: the first identity opens the record, the others join it. */
export interface DeviceToEnrol {
  readonly identities: readonly { readonly anchor: string; readonly identity: string }[];
  readonly blocked?: boolean;
  readonly retired?: boolean;
  /** Identity of the device that took its place. */
  readonly replacedBy?: string;
}

const atOnce = 8;

/** Adds devices to the register; those it has already are passed over. Answers how many were new. */
export async function enrolInto(db: Database, devices: readonly DeviceToEnrol[]): Promise<number> {
  const register = createRegister({ db, clock: systemClock });
  const queue = [...devices];
  let added = 0;
  const worker = async (): Promise<void> => {
    for (let device = queue.shift(); device !== undefined; device = queue.shift())
      if (await enrolOne(register, device)) added += 1;
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  for (const { identities, replacedBy } of devices)
    if (replacedBy !== undefined) await replaceBy(register, identities[0]?.identity ?? '', replacedBy);
  return added;
}

export function enrol(config: Config, devices: readonly DeviceToEnrol[]): Promise<number> {
  return withDatabase({ config, logger: commandLogger(config) }, (db) => enrolInto(db, devices));
}

async function enrolOne(register: Register, device: DeviceToEnrol): Promise<boolean> {
  let deviceId: string | undefined;
  let created = false;
  for (const { anchor, identity } of device.identities) {
    const name = parseIdentityName(identity);
    if (name === undefined) throw failure(exitCodes.usage, `${JSON.stringify(identity)} is no device identity`);
    const added = await register.add(
      { identity: { anchor, ...name }, ...(deviceId !== undefined && { deviceId }) },
      byOperator('simulated fleet'),
    );
    if (!added.ok) throw failure(exitCodes.no, added.problem.message);
    deviceId = added.deviceId;
    created ||= added.created;
  }
  if (device.blocked === true && deviceId !== undefined) await register.block(deviceId, byOperator('simulated theft'));
  if (device.retired === true && deviceId !== undefined) await register.retire(deviceId, byOperator('simulated scrap'));
  return created;
}

async function replaceBy(register: Register, old: string, successor: string): Promise<void> {
  const [oldId] = await register.find(old);
  const [newId] = await register.find(successor);
  if (oldId === undefined || newId === undefined) return;
  await register.replace(oldId, newId, byOperator('simulated replacement'));
}
