import type { CertificateStatus } from '../../x509/certificate-status.ts';
import { sourceName } from '../revocation-policy.ts';
import type { SourceAnswer } from '../verdict.ts';
import { certificatesOf, type SourceQuestion } from './statuses.ts';

/** Answers of responders, one for each certificate and source, until they have to be asked for again. */
export interface OcspMemory {
  /** One in its time, or a failure of a moment ago, at most `believed` ms after it came in; it was wanted. */
  recall(question: SourceQuestion, believed: number): SourceAnswer | undefined;
  /** Takes the place of the one before; whether it says "revoked" where that one did not. */
  keep(question: SourceQuestion, answer: SourceAnswer): boolean;
  /** Past half of their life and wanted lately. */
  due(at: Date): readonly RememberedAnswer[];
  /** Came of asking again for one that was due. A failure leaves the one at hand in its place for its time. */
  refreshed(before: RememberedAnswer, answer: SourceAnswer, at: Date): void;
  /** Of one certificate, or all. */
  forget(certificate?: string): void;
}

export interface OcspMemoryLimits {
  /** Answers kept (default 50 000). */
  readonly capacity?: number | undefined;
  /** From 0 up to 1, for the jitter of refreshes. */
  readonly random?: (() => number) | undefined;
}

export interface RememberedAnswer {
  readonly question: SourceQuestion;
  readonly answer: SourceAnswer;
  readonly from: number;
  /** After this moment it has to be asked again. */
  readonly until: number;
  /** Past half of its life, earlier by some jitter. */
  readonly refreshAt: number;
  wanted: number;
}

/** How long a responder's failure, or its "unknown", is believed without asking again. */
const failureLives = 15_000;
/** An answer that nobody wanted for so long is not refreshed. */
const wantedWithin = 24 * 3_600_000;

/** What is asked about: one certificate at one source. */
export function subjectKey({ source, path, index }: SourceQuestion): string {
  return `${certificatesOf(path)[index]?.fingerprint} ${sourceName(source)}`;
}

export function createOcspMemory({ capacity = 50_000, random = Math.random }: OcspMemoryLimits = {}): OcspMemory {
  const kept = new Map<string, RememberedAnswer>();
  return {
    recall: (question, believed) => {
      const known = kept.get(subjectKey(question));
      const now = question.at.getTime();
      if (known === undefined || now > known.until || now - known.from > believed) return undefined;
      known.wanted = now;
      return known.answer;
    },
    keep: (question, answer) => {
      const key = subjectKey(question);
      const before = kept.get(key)?.answer.status.kind;
      if (kept.size >= capacity) dropOldest(kept);
      kept.delete(key);
      kept.set(key, remember(question, answer, random));
      return answer.status.kind === 'revoked' && before !== 'revoked';
    },
    due: (at) => [...kept.values()].filter((known) => isDue(known, at.getTime())),
    refreshed: (before, answer, at) => {
      const key = subjectKey(before.question);
      const now = kept.get(key);
      const pause = Math.max(failureLives, (before.until - at.getTime()) / 4);
      if (answer.status.kind === 'unknown' && at.getTime() < before.until)
        kept.set(key, { ...before, refreshAt: at.getTime() + pause });
      // To be asked again is not to be wanted.
      else if (now !== undefined) now.wanted = before.wanted;
    },
    forget: (certificate) => {
      for (const key of kept.keys()) if (certificate === undefined || key.startsWith(certificate)) kept.delete(key);
    },
  };
}

function dropOldest(kept: Map<string, RememberedAnswer>): void {
  const [oldest] = kept.keys();
  if (oldest !== undefined) kept.delete(oldest);
}

function isDue({ refreshAt, wanted, answer }: RememberedAnswer, now: number): boolean {
  return refreshAt <= now && now - wanted < wantedWithin && answer.status.kind !== 'unknown';
}

function remember(question: SourceQuestion, answer: SourceAnswer, random: () => number): RememberedAnswer {
  const { policy, source, at } = question;
  const now = at.getTime();
  const { status } = answer;
  const until = status.kind === 'unknown' ? now + failureLives : endOf(status, source.maxAge ?? policy.maxAge);
  const half = (until - now) * (0.4 + 0.2 * random());
  return { question, answer, from: now, until, refreshAt: now + half, wanted: now };
}

/** Without nextUpdate (RFC 6960 4.2.2.1) an hour, unless the policy says otherwise. */
function endOf(
  { thisUpdate, nextUpdate }: Exclude<CertificateStatus, { kind: 'unknown' }>,
  maxAge: number | 'next-update',
): number {
  const age = maxAge === 'next-update' ? (nextUpdate === undefined ? 3_600_000 : Number.POSITIVE_INFINITY) : maxAge;
  return Math.min(nextUpdate?.getTime() ?? Number.POSITIVE_INFINITY, thisUpdate.getTime() + age);
}
