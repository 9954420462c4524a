import { z } from 'zod';
import type { Unconfirmed } from '../../trust/revocation/desk.ts';
import type { Impact } from '../../trust/revocation/impact.ts';
import { type Answer, refuse } from '../operation.ts';

/** More one by one would be a file, not an answer; they are all counted. */
const mostRefused = 10_000;

export const impactSchema = z
  .strictObject({
    active: z.int().describe('Active devices.'),
    refusedCount: z.int(),
    refused: z
      .array(
        z.strictObject({
          deviceId: z.uuid(),
          identity: z.string(),
          anchor: z.string(),
          fingerprint: z.string(),
          outcome: z.enum(['quarantine', 'deny']),
          cause: z.string(),
          detail: z.string(),
          newly: z.boolean().describe('It has sessions as things stand.'),
        }),
      )
      .describe('The first 10 000 that would have no session any more.'),
    causes: z.array(z.strictObject({ outcome: z.string(), cause: z.string(), detail: z.string(), count: z.int() })),
    open: z.int().describe('Devices whose status nobody knows before a source is asked when they come.'),
    unjudged: z.int().describe('Devices of which no whole certificate is kept, or whose path is not good now.'),
  })
  .describe('Who of the active devices would be refused.');

export function impactView({ active, refused, open, unjudged }: Impact): z.input<typeof impactSchema> {
  const groups = Map.groupBy(refused, ({ outcome, cause, detail }) => `${outcome} ${cause} ${detail}`);
  const causes = [...groups.values()].flatMap((list) => {
    const [first] = list;
    if (first === undefined) return [];
    const { outcome, cause, detail } = first;
    return [{ outcome, cause, detail, count: list.length }];
  });
  return { active, refusedCount: refused.length, refused: refused.slice(0, mostRefused), causes, open, unjudged };
}

export const confirmBody = {
  confirm: z.int().min(1).optional().describe('How many devices are meant to be cut off; 409 says the number.'),
};

export function unconfirmed({ count, impact }: Unconfirmed): Answer {
  return refuse(409, {
    code: 'unconfirmed',
    detail: `${count} active devices that have sessions would be cut off; nothing was changed`,
    more: { confirm: count, impact: impactView(impact) },
  });
}
