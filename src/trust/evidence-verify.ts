import { createHash } from 'node:crypto';
import type { Queryable } from '../platform/postgres.ts';
import { type CheckpointStatement, digestOf, readCheckpoint } from './checkpoint.ts';
import * as queries from './evidence-queries.ts';

type Source = queries.EvidenceSource;

/** One thing that is not as it was written. */
export interface Finding {
  readonly kind: 'altered' | 'missing' | 'foreign' | 'checkpoint';
  readonly source?: Source;
  readonly chain?: number;
  readonly link?: number;
  /** For people. */
  readonly message: string;
}

export interface Verification {
  readonly rows: number;
  readonly chains: number;
  readonly checkpoints: number;
  /** Tables with rows from before there were chains. */
  readonly unchained: readonly Source[];
  /** At most 100. */
  readonly findings: readonly Finding[];
}

export interface VerifyOptions {
  /** SPKI DER of the key that checkpoints must be signed with; without it, the key that came with the first. */
  readonly publicKey?: Buffer;
  /** Copies from outside, which an editor of the database could not reach. */
  readonly exported?: readonly Pick<queries.CheckpointRow, 'statement' | 'signature' | 'publicKey'>[];
  /** Waited for; what it throws ends the verification. */
  readonly onProgress?: (rows: number) => Promise<void> | undefined | void;
}

const linksAPage = 2000;
const checkpointsAPage = 500;
const mostFindings = 100;
const genesis = createHash('sha256').digest();

/** What signed checkpoints say of one chain: digest at a link, ranges that were dropped, and how far it had come. */
interface Sworn {
  readonly digests: Map<number, string>;
  readonly dropped: Map<number, { last: number; digest: string }>;
  furthest: number;
}

interface Walk {
  readonly db: Queryable;
  readonly sworn: Map<string, Sworn>;
  readonly findings: Finding[];
  readonly onProgress: NonNullable<VerifyOptions['onProgress']>;
  rows: number;
}

/** Reads every chain from its first link, in constant memory. */
export async function verifyEvidence(db: Queryable, options: VerifyOptions = {}): Promise<Verification> {
  const walk: Walk = {
    db,
    sworn: new Map(),
    findings: [],
    onProgress: options.onProgress ?? (() => undefined),
    rows: 0,
  };
  // Heads before rows: what is appended meanwhile lies behind them.
  const heads = (await db.query<queries.HeadRow>(queries.chainHeads)).rows;
  const checkpoints = await readCheckpoints(walk, options);
  const unchained: Source[] = [];
  let chains = 0;
  for (const source of queries.evidenceSources) {
    const { rows } = await db.query<queries.ChainsRow>(queries.chainsSeen(source));
    if (rows[0]?.unchained === true) unchained.push(source);
    if (rows[0]?.slipped === true)
      report(walk, { kind: 'foreign', source, message: `${source}: rows stand outside the chains, and are not older` });
    const numbers = new Set([
      ...heads.filter((head) => head.source === source).map(({ chain }) => chain),
      ...(rows[0]?.chains ?? []),
      ...[...walk.sworn.keys()].flatMap((key) => (key.startsWith(`${source} `) ? [Number(key.split(' ')[1])] : [])),
    ]);
    for (const chain of [...numbers].sort((a, b) => a - b)) {
      await walkChain(
        walk,
        source,
        chain,
        heads.find((head) => head.source === source && head.chain === chain),
      );
      chains += 1;
    }
  }
  return { rows: walk.rows, chains, checkpoints, unchained, findings: walk.findings };
}

function report(walk: Walk, finding: Finding): void {
  if (walk.findings.length < mostFindings) walk.findings.push(finding);
}

async function readCheckpoints(walk: Walk, options: VerifyOptions): Promise<number> {
  let trusted = options.publicKey;
  const digests = new Map<number, string>();
  let count = 0;
  const take = (row: Pick<queries.CheckpointRow, 'statement' | 'signature' | 'publicKey'>, place: string): void => {
    count += 1;
    trusted ??= row.publicKey;
    const reading = readCheckpoint(row, trusted);
    if (!reading.ok) {
      report(walk, { kind: 'checkpoint', message: `${place} ${reading.cause}` });
      return;
    }
    const { number } = reading.statement;
    const known = digests.get(number);
    const digest = digestOf(row.statement);
    if (known !== undefined && known !== digest)
      report(walk, { kind: 'checkpoint', message: `${place} says otherwise than another checkpoint ${number}` });
    digests.set(number, digest);
    swear(walk, reading.statement);
  };
  for (const [i, row] of (options.exported ?? []).entries()) take(row, `exported checkpoint ${i + 1}`);
  const outside = [...digests.keys()];
  count = 0;
  const inside = new Set<number>();
  let before: queries.CheckpointRow | undefined;
  for (;;) {
    const { rows } = await walk.db.query<queries.CheckpointRow>(
      queries.checkpointsAfter(before?.number ?? 0, checkpointsAPage),
    );
    for (const row of rows) {
      take(row, `checkpoint ${row.number}`);
      inside.add(row.number);
      follows(walk, before, row);
      before = row;
    }
    if (rows.length < checkpointsAPage) break;
  }
  for (const number of outside)
    if (!inside.has(number))
      report(walk, { kind: 'checkpoint', message: `checkpoint ${number} was exported, and is gone from the database` });
  return count;
}

function follows(walk: Walk, before: queries.CheckpointRow | undefined, row: queries.CheckpointRow): void {
  const expected = before === undefined ? null : digestOf(before.statement);
  const reading = readCheckpoint(row, undefined);
  if (row.number !== (before?.number ?? 0) + 1 || (reading.ok && reading.statement.previous !== expected))
    report(walk, { kind: 'checkpoint', message: `checkpoint ${row.number} does not follow the one before it` });
}

function swear(walk: Walk, { heads, dropped }: CheckpointStatement): void {
  const of = (source: string, chain: number): Sworn => {
    const key = `${source} ${chain}`;
    const found = walk.sworn.get(key) ?? { digests: new Map(), dropped: new Map(), furthest: 0 };
    walk.sworn.set(key, found);
    return found;
  };
  for (const { source, chain, link, digest } of heads) {
    const sworn = of(source, chain);
    sworn.digests.set(link, digest);
    sworn.furthest = Math.max(sworn.furthest, link);
  }
  for (const { source, chain, first, last, digest } of dropped) of(source, chain).dropped.set(first, { last, digest });
}

async function walkChain(walk: Walk, source: Source, chain: number, head: queries.HeadRow | undefined): Promise<void> {
  const sworn = walk.sworn.get(`${source} ${chain}`);
  const at = { source, chain };
  let link = 0;
  let digest: Buffer = genesis;
  const skipDropped = (): void => {
    for (let range = sworn?.dropped.get(link + 1); range !== undefined; range = sworn?.dropped.get(link + 1)) {
      link = range.last;
      digest = Buffer.from(range.digest, 'hex');
    }
  };
  for (;;) {
    skipDropped();
    const { rows } = await walk.db.query<queries.LinkRow>(queries.linksOf(source, chain, link, linksAPage));
    for (const row of rows) {
      skipDropped();
      if (row.link <= link) {
        report(walk, { ...at, kind: 'foreign', link: row.link, message: `${name(at, row.link)} is there twice` });
        continue;
      }
      if (row.link > link + 1)
        report(walk, { ...at, kind: 'missing', link: link + 1, message: gone(at, link + 1, row.link - 1) });
      const expected = createHash('sha256').update(digest).update(row.facts).digest();
      // Behind a gap nothing is known of the digest before.
      if (row.link === link + 1 && !expected.equals(row.digest))
        report(walk, {
          ...at,
          kind: 'altered',
          link: row.link,
          message: `${name(at, row.link)} is not as it was written`,
        });
      const said = sworn?.digests.get(row.link);
      if (said !== undefined && said !== row.digest.toString('hex'))
        report(walk, {
          ...at,
          kind: 'altered',
          link: row.link,
          message: `${name(at, row.link)} is not what a checkpoint says`,
        });
      link = row.link;
      digest = row.digest;
    }
    walk.rows += rows.length;
    await walk.onProgress(walk.rows);
    if (rows.length < linksAPage) break;
  }
  skipDropped();
  // A chain may have begun since the ends were read.
  ends(walk, at, { link, digest, head: head ?? (await headOf(walk.db, at)), sworn });
}

async function headOf(db: Queryable, at: { source: Source; chain: number }): Promise<queries.HeadRow | undefined> {
  const { rows } = await db.query<queries.HeadRow>(queries.chainHeads);
  return rows.find(({ source, chain }) => source === at.source && chain === at.chain);
}

interface End {
  readonly link: number;
  readonly digest: Buffer;
  readonly head: queries.HeadRow | undefined;
  readonly sworn: Sworn | undefined;
}

/** The newest rows leave no gap when they go: what the chain's end and the checkpoints say shows it. */
function ends(walk: Walk, at: { source: Source; chain: number }, { link, digest, head, sworn }: End): void {
  const furthest = Math.max(head?.link ?? 0, sworn?.furthest ?? 0);
  if (link < furthest) report(walk, { ...at, kind: 'missing', link: link + 1, message: gone(at, link + 1, furthest) });
  else if (head === undefined || head.link < (sworn?.furthest ?? 0))
    report(walk, { ...at, kind: 'foreign', message: `${at.source}, chain ${at.chain}: its end was tampered with` });
  else if (head.link === link && head.digest !== digest.toString('hex'))
    report(walk, { ...at, kind: 'altered', link, message: `${name(at, link)} is not what the end of its chain says` });
}

function name({ source, chain }: { source: Source; chain: number }, link: number): string {
  return `${source}, chain ${chain}, row ${link}`;
}

function gone(at: { source: Source; chain: number }, first: number, last: number): string {
  return first === last ? `${name(at, first)} is missing` : `${name(at, first)} to ${last} are missing`;
}
