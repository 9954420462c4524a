import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Clock } from '../platform/clock.ts';
import { uuidv7 } from '../platform/ids.ts';
import type { Database, Queryable } from '../platform/postgres.ts';
import { startReconciler } from '../platform/reconciler.ts';
import { hemsVersion } from '../platform/version.ts';
import { forgetNode, forgetSilentNodes, type NodeRow, nodesSince, sayNode } from './node-queries.ts';

/** What a node says of itself. */
export interface NodeWords {
  readonly doors: readonly { readonly name: string; readonly url: string; readonly port: number }[];
  readonly management: string;
  readonly anchors: readonly string[];
  /** Names of the settings that are weaker than a clause. */
  readonly deviations: readonly string[];
  readonly compliance: 'report' | 'strict';
  /** Where several processes serve one host: which of them this is. */
  readonly worker?: { readonly number: number; readonly of: number };
}

export interface SeenNode extends Omit<NodeRow, 'said'> {
  readonly said: NodeWords;
}

export interface PresenceDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly words: () => NodeWords;
}

const every = 30_000;
/** A node that said nothing for so long is gone. */
export const nodeLive = 120_000;
const day = 86_400_000;

/** Says about twice a minute that this node is there; answers how to stop it, which says that it is gone. */
export function keepPresence({ db, clock, logger, words }: PresenceDeps): () => Promise<void> {
  const startedAt = clock.now();
  const id = uuidv7(clock);
  const step = async (): Promise<void> => {
    const seenAt = clock.now();
    const said = words();
    await db.query(sayNode({ id, name: hostname(), version: hemsVersion, startedAt, seenAt, said }));
    await db.query(forgetSilentNodes(new Date(seenAt.getTime() - day)));
  };
  const reconciler = startReconciler({ name: 'presence', every, step, logger });
  reconciler.kick();
  return async () => {
    await reconciler.stop();
    // It will be taken for gone by itself, a little later.
    await db.query(forgetNode(id)).catch(() => undefined);
  };
}

/** Nodes that are there. */
export async function presentNodes(db: Queryable, at: Date): Promise<readonly SeenNode[]> {
  const { rows } = await db.query<NodeRow>(nodesSince(new Date(at.getTime() - nodeLive)));
  return rows as SeenNode[];
}
