import { z } from 'zod';
import type { Queryable } from '../platform/postgres.ts';

/** Where a device has just spoken from. */
const placeSchema = z.strictObject({
  deviceId: z.uuid(),
  address: z.string().max(64),
  listener: z.string().max(200),
  fingerprint: z.string().max(64),
  connectionId: z.string().max(64),
  /** Milliseconds since 1970. */
  at: z.number(),
});

export type Place = Readonly<z.infer<typeof placeSchema>>;

export const placesChannel = 'hems_places';

/** Tells every node that a device has come from another address than a short while ago. */
export async function tellOfPlace(db: Queryable, place: Place): Promise<void> {
  await db.query({ text: `select pg_notify($1, $2)`, values: [placesChannel, JSON.stringify(place)] });
}

/** Undefined for what no node of this version says. */
export function readPlace(payload: string): Place | undefined {
  try {
    return placeSchema.safeParse(JSON.parse(payload)).data;
  } catch {
    return undefined;
  }
}
