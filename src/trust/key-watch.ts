import type { Logger } from 'pino';
import { fallenConnections } from '../fleet/fallen-connections.ts';
import type { Database } from '../platform/postgres.ts';
import type { Admission, Gate } from './admission.ts';

export interface KeyWatchDeps {
  readonly db: Database;
  readonly gate: Pick<Gate, 'open' | 'refuseSession'>;
  /** Ends the connections of admissions that no longer stand; how many. */
  readonly closeWhere: (match: (admission: Admission) => boolean) => number;
  readonly logger: Logger;
}

/** While no notification comes through, everything open is held against the register this often. */
const blindLook = 3000;
const askedAtOnce = 1000;

/**
 * Ends what is open of devices and keys that the register would not let in any more: at a change, told by whichever
 * node or command made it, and every few seconds while such news cannot come through. Answers how to stop it.
 */
export async function watchKeys(deps: KeyWatchDeps): Promise<() => Promise<void>> {
  let timer: NodeJS.Timeout | undefined;
  const look = (devices?: ReadonlySet<string>): void => {
    review(deps, devices).catch((error) => deps.logger.error({ err: error }, 'open connections could not be reviewed'));
  };
  const blind = (): void => {
    timer ??= setInterval(() => look(), blindLook).unref();
  };
  const seeing = (): void => {
    clearInterval(timer);
    timer = undefined;
    look();
  };
  const end = await deps.db.listen(
    'hems_device_keys',
    (payload) => look(new Set(payload.split(' '))),
    (link) => (link === 'up' ? seeing() : blind()),
  );
  return async () => {
    clearInterval(timer);
    await end();
  };
}

async function review({ db, gate, closeWhere }: KeyWatchDeps, devices: ReadonlySet<string> | undefined): Promise<void> {
  const concerned = [...gate.open()].filter(({ deviceId }) => devices?.has(deviceId) !== false);
  for (let i = 0; i < concerned.length; i += askedAtOnce) {
    const asked = concerned.slice(i, i + askedAtOnce);
    const fell = await fallenConnections(db, asked);
    const ids = new Set<string>();
    for (const { connection, state } of fell) {
      ids.add(connection.id);
      if (state === 'blocked' || state === 'retired' || state === 'quarantined')
        gate.refuseSession(connection, `device_${state}`, 'state_changed');
      else gate.refuseSession(connection, 'key_held', 'key_turned_away');
    }
    if (ids.size > 0) closeWhere(({ id }) => ids.has(id));
  }
}
