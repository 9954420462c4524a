import { createRegister } from '../fleet/register.ts';
import { systemClock } from '../platform/clock.ts';
import { createDecisionReading, type DecisionReading } from '../trust/decision-reading.ts';
import { type ConfigOptions, commandLogger, toolConfig } from './configuration.ts';
import { withDatabase } from './database-access.ts';
import { remoteDecisions } from './server/remote-evidence.ts';
import { type RegisterAccess, remoteRegister } from './server/remote-register.ts';
import { serverApi } from './server/server-api.ts';

/** What was decided, and the devices that it was decided about. */
export function withDecisions<T>(
  options: ConfigOptions,
  fn: (decisions: DecisionReading, register: RegisterAccess) => Promise<T>,
): Promise<T> {
  const api = serverApi(options);
  if (api !== undefined) return fn(remoteDecisions(api), remoteRegister(api));
  const config = toolConfig(options);
  return withDatabase({ config, logger: commandLogger(config) }, (db) =>
    fn(createDecisionReading(db), createRegister({ db, clock: systemClock })),
  );
}
