import type { By } from '../../fleet/register.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Egress } from '../../platform/egress/egress.ts';
import type { Database } from '../../platform/postgres.ts';
import { type Certificate, parseCertificate } from '../../x509/certificate.ts';
import type { PathAnchor } from '../../x509/path-anchor.ts';
import type { PolicyDocument } from '../revocation-policy.ts';
import { changeRevocation } from './changes.ts';
import { described, single } from './crl-fetch.ts';
import { knownIntermediates } from './crl-queries.ts';
import { type StoreResult, storeCrl, uploadOrigin } from './crl-store.ts';
import { verifyCrl } from './crl-verification.ts';
import { withNamedCrls } from './desk-fetch.ts';
import { createFacts, type Facts } from './facts.ts';
import type { HeldCrl, ReadCrl } from './held-crls.ts';
import { assessImpact, type Impact, mustConfirm } from './impact.ts';
import { type ImportResult, importEntries } from './list-store.ts';
import { type ListEntry, overlay } from './operator-list.ts';
import { applyPolicy, policyAt, rollBackPolicy, type VersionMoved } from './policy-store.ts';

/** Where a person works on revocation: everything is weighed before it is done. */
export interface DeskDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly anchors: readonly PathAnchor[];
  readonly readCrl: ReadCrl;
  readonly complain: (error: unknown, message: string) => void;
  /** To fetch the CRLs that a policy names before it is weighed; absent: what was not fetched yet is not known. */
  readonly egress?: Egress;
}

/** It would cut off more devices than the policy lets anybody do without saying their number. */
export interface Unconfirmed {
  readonly ok: false;
  readonly kind: 'unconfirmed';
  readonly count: number;
  readonly impact: Impact;
}

/** Where there is no policy, or it says nothing else. */
const defaultShare = 0.01;

/** What a node would know now, read from the database. */
async function readFacts({ db, clock, anchors, readCrl, complain }: DeskDeps): Promise<Facts> {
  const issuers = (name: string): readonly Certificate[] =>
    anchors.filter((anchor) => anchor.name === name).flatMap(({ certificates }) => certificates);
  return createFacts({ db, clock, readCrl, issuers, complain, unreadablePolicy: 'none' }).current();
}

/** The facts as they would be under this policy. */
export function withPolicy(facts: Facts, document: PolicyDocument, at: Date): Facts {
  const version = (facts.policy?.version ?? 0) + 1;
  return { ...facts, policy: { version, document, content: document, appliedAt: at, appliedBy: '' } };
}

export async function weighPolicy(deps: DeskDeps, document: PolicyDocument): Promise<Impact> {
  return weigh(deps, await readFacts(deps), document, deps.clock.now());
}

async function weigh(deps: DeskDeps, facts: Facts, document: PolicyDocument, at: Date): Promise<Impact> {
  const { egress } = deps;
  const after = withPolicy(facts, document, at);
  if (egress === undefined) return assessImpact(deps, facts, after, at);
  const certificates = await intermediates(deps);
  return assessImpact(deps, facts, await withNamedCrls({ ...deps, egress, certificates }, after, document, at), at);
}

/** Somebody else was faster: `version` is in force now. */
export interface Overtaken {
  readonly ok: false;
  readonly kind: 'overtaken';
  readonly version: number;
}

export type ApplyResult =
  | { readonly ok: true; readonly version: number; readonly impact: Impact }
  | Unconfirmed
  | Overtaken;

/** What a person says beside a change that is weighed. */
export interface Said {
  /** How many devices are meant to be cut off. */
  readonly confirmed?: number | undefined;
  /** The version of the policy that they looked at; 0: none. */
  readonly expected?: number | undefined;
}

function applied(made: number | VersionMoved, impact: Impact): ApplyResult {
  return typeof made === 'number'
    ? { ok: true, version: made, impact }
    : { ok: false, kind: 'overtaken', version: made.moved };
}

/** Makes a policy the next version; its own share guards it, unless the one in force is stricter. */
export async function applyWeighed(
  deps: DeskDeps,
  { document, content }: { readonly document: PolicyDocument; readonly content: unknown },
  by: By,
  { confirmed, expected }: Said = {},
): Promise<ApplyResult> {
  const facts = await readFacts(deps);
  const at = deps.clock.now();
  const impact = await weigh(deps, facts, document, at);
  const share = Math.min(document.confirmCutOff, shareOf(facts));
  const count = mustConfirm(impact, share, confirmed);
  if (count !== undefined) return { ok: false, kind: 'unconfirmed', count, impact };
  return applied(await applyPolicy(deps.db, content, by, at, expected), impact);
}

/** Makes an older version the next one, guarded like a new one; undefined when there is none. */
export async function rollBackWeighed(
  deps: DeskDeps,
  version: number,
  by: By,
  { confirmed, expected }: Said = {},
): Promise<ApplyResult | undefined> {
  const old = await policyAt(deps.db, version);
  if (old === undefined) return undefined;
  const facts = await readFacts(deps);
  const at = deps.clock.now();
  const impact = await weigh(deps, facts, old.document, at);
  const count = mustConfirm(impact, Math.min(old.document.confirmCutOff, shareOf(facts)), confirmed);
  if (count !== undefined) return { ok: false, kind: 'unconfirmed', count, impact };
  const made = await rollBackPolicy(deps.db, version, by, at, expected);
  return made === undefined ? undefined : applied(made, impact);
}

function shareOf({ policy }: Facts): number {
  return policy?.document.confirmCutOff ?? defaultShare;
}

export interface CrlImport {
  readonly der: Uint8Array;
  /** CA certificates that may have signed it, besides the anchors and what devices showed. */
  readonly certificates: readonly Certificate[];
}

export type CrlImportResult =
  | {
      readonly ok: true;
      readonly fingerprint: string;
      readonly anchor: string;
      readonly description: string;
      readonly stored: boolean;
      readonly impact: Impact;
    }
  | { readonly ok: false; readonly kind: 'unverified' | 'rollback'; readonly cause: string }
  | Unconfirmed;

/** Takes a CRL into use for all nodes. Throws `DerError` for what is none. */
export async function importCrl(
  deps: DeskDeps,
  { der, certificates }: CrlImport,
  by: By,
  confirmed?: number,
): Promise<CrlImportResult> {
  const at = deps.clock.now();
  const candidates = [...certificates, ...(await intermediates(deps))];
  const all = [...candidates, ...deps.anchors.flatMap((anchor) => anchor.certificates)];
  const list = await deps.readCrl(single(der), all);
  const verified = verifyCrl(list, deps.anchors, candidates, at);
  if (!verified.ok) return { ok: false, kind: 'unverified', cause: verified.detail };
  const { anchor, signers } = verified;
  const facts = await readFacts(deps);
  const impact = await assessImpact(deps, facts, withCrl(facts, { list, anchor, signers }), at);
  const count = mustConfirm(impact, shareOf(facts), confirmed);
  if (count !== undefined) return { ok: false, kind: 'unconfirmed', count, impact };
  const { number, text } = described(list);
  const stored = await changeRevocation(deps.db, async (tx, record): Promise<StoreResult> => {
    const ders = signers.map((signer) => signer.der);
    const result = await storeCrl(tx, { list, der, anchor, origin: uploadOrigin, signers: ders, at });
    if (result.kind !== 'stored') return result;
    const after = { anchor, number, entries: list.entries.table.count };
    const reason = by.reason === undefined ? {} : { reason: by.reason };
    await record({ at, actor: by.actor, action: 'crl_imported', subject: list.fingerprint, after, ...reason });
    return result;
  });
  if (stored.kind === 'rollback') return { ok: false, kind: 'rollback', cause: stored.detail };
  const said = { fingerprint: list.fingerprint, anchor, description: text };
  return { ok: true, ...said, stored: stored.kind === 'stored', impact };
}

async function intermediates({ db }: DeskDeps): Promise<readonly Certificate[]> {
  const { rows } = await db.query<{ der: Buffer }>(knownIntermediates());
  return rows.map(({ der }) => parseCertificate(der));
}

function withCrl(facts: Facts, held: HeldCrl): Facts {
  const crls = new Map(facts.crls);
  crls.set(uploadOrigin, [held, ...(crls.get(uploadOrigin) ?? [])]);
  return { ...facts, crls };
}

export type ListImportResult =
  | (Extract<ImportResult, { ok: true }> & { readonly impact: Impact })
  | Extract<ImportResult, { ok: false }>
  | Unconfirmed;

/** Puts certificates on the operator's own list. */
export async function importList(
  deps: DeskDeps,
  entries: readonly ListEntry[],
  subject: string,
  by: By,
  confirmed?: number,
): Promise<ListImportResult> {
  const at = deps.clock.now();
  const facts = await readFacts(deps);
  const impact = await assessImpact(deps, facts, { ...facts, list: overlay(facts.list, entries) }, at);
  const count = mustConfirm(impact, shareOf(facts), confirmed);
  if (count !== undefined) return { ok: false, kind: 'unconfirmed', count, impact };
  const imported = await importEntries(deps.db, entries, subject, by, at);
  return imported.ok ? { ...imported, impact } : imported;
}
