import { parseHnbFqdn } from '../../src/fleet/identity.ts';
import { createRegister } from '../../src/fleet/register.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts';
import { type Database, openPool } from '../../src/platform/postgres.ts';

/** The database of a running development server, joined from outside. */
export interface Register {
  readonly db: Database;
  /** Process id of the postmaster. */
  readonly postmaster: number;
  close(): Promise<void>;
}

export async function openRegister(dataDir: string): Promise<Register> {
  const embedded = await startEmbeddedPostgres({ dataDir });
  const db = openPool({ url: embedded.url, poolSize: 2 });
  return {
    db,
    postmaster: embedded.pid,
    close: async () => {
      await db.close();
      await embedded.stop();
    },
  };
}

export async function enrol({ db }: Register, devices: readonly { anchor: string; value: string }[]): Promise<void> {
  const register = createRegister({ db, clock: systemClock });
  for (const { anchor, value } of devices) {
    const name = parseHnbFqdn(value);
    if (name === undefined) throw new Error(`${value} is no identity`);
    const added = await register.add({ identity: { anchor, ...name } }, { actor: { kind: 'cli', name: 'bench' } });
    if (!added.ok) throw new Error(added.problem.message);
  }
}

/** Gives every device so many stored parameters. */
export async function fillParameters({ db }: Register, count: number): Promise<void> {
  await db.query({ text: 'delete from device_parameters' });
  await db.query({
    text: `insert into device_parameters (device_id, name, value, type, since)
             select id, 'Device.Services.FAPService.1.X.' || n || '.Value', md5(n::text), 'xsd:string', now()
               from devices, generate_series(1, $1) as n`,
    values: [count],
  });
  await db.query({ text: 'analyze device_parameters' });
}
