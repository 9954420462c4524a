import { createHash, createHmac } from 'node:crypto';
import { z } from 'zod';
import type { Claimed, Claim, ContentDigest, Idempotency, SettledAnswer } from '../platform/idempotency.ts';
import type { Caller } from './authentication.ts';
import { type Answer, type AnyOperation, type Asked, refuse, type Upload } from './operation.ts';

/** What the tables keep. */
const longest = 200;

/**
 * An Idempotency-Key as it is kept: one of this caller and nobody else. What a caller is named by may be long (`sub` of
 * an OpenID provider, the fingerprint of a certificate).
 */
export function keptKey({ keyId }: Pick<Caller, 'keyId'>, key: string): string {
  const whole = `${keyId} ${key}`;
  return whole.length <= longest ? whole : `sha256 ${createHash('sha256').update(whole).digest('hex')}`;
}

/** Keys are those of one caller and one operation. */
export function keyHeader(meaning: string) {
  return z.object({
    'idempotency-key': z
      .string()
      .regex(/^[\x21-\x7e]{1,150}$/, 'write 1 to 150 visible characters')
      .optional()
      .describe(meaning),
  });
}

const replayed = 'Idempotency-Replayed';
const replayedMeaning = '`true`: this was asked for before under the same Idempotency-Key; nothing was done now.';
const kept = 'The same request under the same key is carried out once, and answered alike for a day.';

/** Every POST that changes something takes an Idempotency-Key; its contract says so. */
export function takingKey(of: AnyOperation): AnyOperation {
  const { method, idempotency = 'kept', headers, answers, problems = [] } = of;
  if (method !== 'POST' || idempotency === 'none') return of;
  const told = Object.entries(answers).map(([status, answer]) => [
    status,
    Number(status) < 300 ? { ...answer, headers: { ...answer.headers, [replayed]: replayedMeaning } } : answer,
  ]);
  return {
    ...of,
    headers: z.object({ ...keyHeader(kept).shape, ...headers?.shape }),
    answers: Object.fromEntries(told) as AnyOperation['answers'],
    problems: [...problems, 409, 422],
  };
}

type AnyAsked = Asked<never, never, never, never>;
type Handle = (asked: AnyAsked) => Promise<Answer>;

/** Carries an operation out; under an Idempotency-Key once, however often it is asked for. */
export async function handleOnce(of: AnyOperation, asked: AnyAsked, idempotency: Idempotency): Promise<Answer> {
  const key = (asked.headers as Readonly<Record<string, string | undefined>> | undefined)?.['idempotency-key'];
  if (of.method !== 'POST' || of.idempotency === 'none' || key === undefined) return of.handle(asked);
  const caller = callerOf(asked.caller);
  const digest = createHash('sha256').update(key).digest();
  const claimed = await idempotency.claim({
    caller,
    operation: of.id,
    key: digest,
    request: requestOf(of, asked, key),
  });
  return of.idempotency === 'own' ? byItself(of, asked, claimed) : byAnswer(of, asked, claimed);
}

function callerOf({ keyId }: Caller): string {
  return keyId.length <= longest ? keyId : `sha256 ${createHash('sha256').update(keyId).digest('hex')}`;
}

/**
 * What was asked for, without the key: alike for the same request, whatever the order of its members. When a task is
 * given up is counted from now by whoever asks again, and is no other task for that.
 */
function requestOf(of: AnyOperation, asked: AnyAsked, key: string): Buffer {
  const { params, query, body, upload } = asked;
  const { 'idempotency-key': _, ...headers } = asked.headers as Readonly<Record<string, unknown>>;
  const wanted = of.idempotency === 'own' && body !== undefined ? { ...(body as object), expiresAt: undefined } : body;
  const whole = JSON.stringify({ params, query, headers, body: wanted, type: upload?.type }, inOrder);
  return createHmac('sha256', key).update(whole).digest();
}

function inOrder(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const different = refuse(422, {
  code: 'key_taken',
  in: 'header',
  field: 'Idempotency-Key',
  detail: 'the key is that of another request; take a new one',
});

function working(seconds: number): Answer {
  const detail = 'the same request is being carried out';
  return { ...refuse(409, { code: 'in_progress', detail }), headers: { 'Retry-After': String(seconds) } };
}

/** The room answers what there is; here it is only seen to that it is the same request. */
async function byItself(of: AnyOperation, asked: AnyAsked, claimed: Claimed): Promise<Answer> {
  switch (claimed.kind) {
    case 'different':
      return different;
    case 'working':
      return of.handle(asked);
    case 'claimed':
      // What only counted made nothing: the key is free for what it is confirmed by.
      return underClaim(of.handle, asked, claimed.claim, ({ status }) => status > 200 && { status, headers: {} });
    case 'settled': {
      if (!(await sameContent(asked.upload, claimed.answer.content))) return different;
      return marked(await of.handle(asked));
    }
  }
}

async function byAnswer(of: AnyOperation, asked: AnyAsked, claimed: Claimed): Promise<Answer> {
  switch (claimed.kind) {
    case 'different':
      return different;
    case 'working':
      return working(claimed.seconds);
    case 'claimed':
      return underClaim(of.handle, asked, claimed.claim, (answer) => keptOf(of, answer));
    case 'settled': {
      if (!(await sameContent(asked.upload, claimed.answer.content))) return different;
      return again(claimed.answer);
    }
  }
}

/** Characters of an answer that is kept. */
const longestAnswer = 1024 * 1024;

function keptOf({ keptBody }: AnyOperation, answer: Answer): SettledAnswer | false {
  if ('problem' in answer || 'stream' in answer) return false;
  const { status, headers = {}, body } = answer;
  if (body === undefined) return { status, headers };
  const text = JSON.stringify(keptBody === undefined ? body : keptBody(body as never));
  return { status, headers, ...(text.length <= longestAnswer && { answer: text }) };
}

function again({ status, headers, answer }: SettledAnswer): Answer {
  if (answer !== undefined) return marked({ status, headers, body: JSON.parse(answer) as unknown });
  if (status === 204) return marked({ status, headers });
  const detail = 'it was carried out before; its answer was too long to be kept: look at what there is';
  return refuse(409, { code: 'answer_not_kept', detail });
}

function marked(answer: Answer): Answer {
  return 'problem' in answer ? answer : { ...answer, headers: { ...answer.headers, [replayed]: 'true' } };
}

/** What was refused, or broke, frees the key: nothing was made, or nobody knows. */
async function underClaim(
  handle: Handle,
  asked: AnyAsked,
  claim: Claim,
  keep: (answer: Answer) => SettledAnswer | false,
): Promise<Answer> {
  const { upload } = asked;
  const reading = upload === undefined ? undefined : digesting(upload);
  try {
    const answer = await handle(reading === undefined ? asked : ({ ...asked, upload: reading.upload } as AnyAsked));
    const settled = 'problem' in answer ? false : keep(answer);
    if (settled === false) await claim.release();
    else await claim.settle({ ...settled, content: reading?.content() });
    return answer;
  } catch (error) {
    await claim.release();
    throw error;
  }
}

/** The hash of a file, as its bytes go by. */
function digesting({ type, bytes }: Upload) {
  const hash = createHash('sha256');
  let length = 0;
  let whole = false;
  async function* passing(): AsyncGenerator<Uint8Array> {
    for await (const piece of bytes) {
      hash.update(piece);
      length += piece.length;
      yield piece;
    }
    whole = true;
  }
  return {
    upload: { type, bytes: passing() },
    /** Undefined: it was not read to its end. */
    content: (): ContentDigest | undefined => (whole ? { digest: hash.digest(), length } : undefined),
  };
}

/** Reads what came with the request to its end, or as far as it can be the same. */
async function sameContent(upload: Upload | undefined, known: ContentDigest | undefined): Promise<boolean> {
  if (upload === undefined || known === undefined) return true;
  const { upload: reading, content } = digesting(upload);
  let length = 0;
  for await (const piece of reading.bytes) {
    length += piece.length;
    if (length > known.length) return false;
  }
  return content()?.digest.equals(known.digest) === true;
}
