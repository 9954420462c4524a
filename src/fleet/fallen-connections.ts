import type { Queryable } from '../platform/postgres.ts';
import type { DeviceState } from './device.ts';
import { fallen } from './register-moves-queries.ts';

/** Those whose device or certificate the register would not let in now, with the state of the device; one round trip. */
export async function fallenConnections<T extends { readonly deviceId: string; readonly fingerprint: string }>(
  db: Queryable,
  connections: readonly T[],
): Promise<readonly { readonly connection: T; readonly state: DeviceState | null }[]> {
  if (connections.length === 0) return [];
  const { rows } = await db.query<{ i: number; state: DeviceState | null }>(
    fallen(
      connections.map(({ deviceId }) => deviceId),
      connections.map(({ fingerprint }) => Buffer.from(fingerprint, 'hex')),
    ),
  );
  return rows.flatMap(({ i, state }) => {
    const connection = connections[i - 1];
    return connection === undefined ? [] : [{ connection, state }];
  });
}
