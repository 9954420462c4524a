import { createRegister, type Register, type StateResult } from '../fleet/register.ts';
import { systemClock } from '../platform/clock.ts';
import { anchorPlans } from '../simulator/development-authorities.ts';
import { type ConfigOptions, commandLogger, toolConfig } from './configuration.ts';
import { withDatabase } from './database-access.ts';
import { exitCodes, failure } from './failure.ts';
import { type RegisterAccess, remoteRegister } from './server/remote-register.ts';
import { serverApi } from './server/server-api.ts';
import { print, printJson } from './terminal.ts';

export interface DeviceOptions extends ConfigOptions {
  readonly json?: boolean;
  readonly reason?: string;
}

export function withRegister<T>(options: ConfigOptions, fn: (register: RegisterAccess) => Promise<T>): Promise<T> {
  const api = serverApi(options);
  if (api !== undefined) return fn(remoteRegister(api));
  return withLocalRegister(options, fn);
}

/** Beside the database alone: what streams a million rows. */
export function withLocalRegister<T>(options: ConfigOptions, fn: (register: Register) => Promise<T>): Promise<T> {
  const config = toolConfig(options);
  return withDatabase({ config, logger: commandLogger(config) }, (db) =>
    fn(createRegister({ db, clock: systemClock })),
  );
}

/** The one device that a person means. */
export async function oneDevice(register: Pick<RegisterAccess, 'find'>, text: string): Promise<string> {
  const found = await register.find(text);
  const [deviceId] = found;
  if (deviceId === undefined)
    throw failure(exitCodes.no, `there is no device ${JSON.stringify(text)}`, '"hems device list" shows them');
  if (found.length > 1)
    throw failure(exitCodes.usage, `${text} is ${found.length} devices: ${found.join(', ')}`, 'name one by its id');
  return deviceId;
}

/** Says what became of a device, or fails with the register's own words. */
export function tellState(result: StateResult, { json }: DeviceOptions, extra = ''): void {
  if (!result.ok) throw failure(exitCodes.no, result.problem.message);
  if (json === true) return void printJson(result);
  print(`Device ${result.deviceId} is ${result.state}${result.changed ? '' : ' already'}.${extra}`);
}

export interface KnownAnchor {
  readonly name: string;
  readonly realms: readonly string[];
}

/** Undefined for a database named by DATABASE_URL alone: its anchors are in a file that is not here. */
export function knownAnchors(options: ConfigOptions): readonly KnownAnchor[] | undefined {
  // The server knows its own.
  if (serverApi(options) !== undefined) return undefined;
  const config = toolConfig(options);
  if (config.anchors.length > 0) return config.anchors;
  if (config.database.url !== undefined) return undefined;
  return Object.values(anchorPlans).map(({ name, realm }) => ({ name, realms: [realm] }));
}
