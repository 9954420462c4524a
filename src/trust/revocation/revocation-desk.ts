import type { By } from '../../fleet/register.ts';
import { listedCertificates } from '../../x509/crl.ts';
import { type PolicyDocument, policySchema, uncheckedAnchors } from '../revocation-policy.ts';
import { checkPolicy, type PolicyFault } from '../revocation-policy-checks.ts';
import { type ChangeRecord, listChanges } from './changes.ts';
import { readCrl } from './crl-reader.ts';
import { crlBytes, type Holding, listHoldings } from './crl-store.ts';
import {
  type ApplyResult,
  applyWeighed,
  type CrlImport,
  type CrlImportResult,
  type DeskDeps,
  importCrl,
  importList,
  type ListImportResult,
  rollBackWeighed,
  type Said,
  weighPolicy,
} from './desk.ts';
import type { Impact } from './impact.ts';
import {
  type ListedEntry,
  liftEntry,
  listEntries,
  listQuarantined,
  type QuarantinedCertificate,
  releaseDevice,
} from './list-store.ts';
import type { ListEntry } from './operator-list.ts';
import {
  currentOverride,
  currentPolicy,
  type Override,
  override,
  policies,
  type StoredPolicy,
} from './policy-store.ts';

/** A version of the policy for people: the document as it was written. */
export type PolicyVersion = Omit<StoredPolicy, 'document'>;

export type HeldList = Omit<Holding, 'signers'>;

export interface PolicyNow {
  readonly policy: PolicyVersion | undefined;
  /** Only while it lasts. */
  readonly override: Override | undefined;
}

export interface PolicyWeighed {
  readonly unchecked: readonly string[];
  readonly impact: Impact;
}

/** What a person writes: fetch the CRLs that it names and no node has yet, or judge by what is at hand. */
export interface PolicyDraft {
  readonly content: unknown;
  readonly offline?: boolean | undefined;
}

export type Faulty = { readonly ok: false; readonly kind: 'faulty'; readonly faults: readonly PolicyFault[] };

export type Applied = ApplyResult & { readonly unchecked?: readonly string[] };

export interface ShownCrl extends HeldList {
  readonly origins: readonly string[];
  readonly list: readonly { readonly serialNumber: string; readonly revokedAt: Date; readonly reason: string }[];
}

/** By the beginning of its SHA-256; `several`: that is how many begin so. */
export type CrlShown = { readonly ok: true; readonly crl: ShownCrl } | { readonly ok: false; readonly several: number };

/** Everything that people do with revocation, whichever door they come by. */
export interface RevocationDesk {
  policyNow(): Promise<PolicyNow>;
  versions(limit: number): Promise<readonly PolicyVersion[]>;
  weigh(draft: PolicyDraft): Promise<({ readonly ok: true } & PolicyWeighed) | Faulty>;
  apply(draft: PolicyDraft, by: By, said?: Said): Promise<Applied | Faulty>;
  /** Undefined: there is no such version. */
  rollBack(version: number, by: By, said?: Said): Promise<ApplyResult | undefined>;
  /** Tolerates unknown and stale until then, at most `longestOverride` ahead; undefined ends it now. */
  override(until: Date | undefined, by: By & { readonly reason: string }): Promise<Date>;
  crls(): Promise<readonly HeldList[]>;
  crl(fingerprint: string, entries: number): Promise<CrlShown>;
  /** Throws `CrlUnreadable` for what is none. */
  importCrl(given: CrlImport, by: By, confirmed?: number): Promise<CrlImportResult>;
  listed(limit: number): Promise<readonly ListedEntry[]>;
  /** `subject`: what the list is called. */
  importList(entries: readonly ListEntry[], subject: string, by: By, confirmed?: number): Promise<ListImportResult>;
  /** False when it is not on the list. */
  reinstate(entry: Pick<ListEntry, 'kind' | 'key'>, by: By): Promise<boolean>;
  changes(limit: number): Promise<readonly ChangeRecord[]>;
  quarantined(limit: number): Promise<readonly QuarantinedCertificate[]>;
  /** How many certificates there were to release. */
  release(deviceId: string, until: Date, by: By): Promise<number>;
}

export function createRevocationDesk(deps: DeskDeps): RevocationDesk {
  const { db, clock } = deps;
  return {
    ...policyDesk(deps),
    crls: async () => (await listHoldings(db)).map(({ signers: _, ...rest }) => rest),
    crl: (fingerprint, entries) => showCrl(deps, fingerprint, entries),
    importCrl: (given, by, confirmed) => importCrl(deps, given, by, confirmed),
    listed: (limit) => listEntries(db, limit),
    importList: (entries, subject, by, confirmed) => importList(deps, entries, subject, by, confirmed),
    reinstate: (entry, by) => liftEntry(db, entry, by, clock.now()),
    changes: (limit) => listChanges(db, limit),
    quarantined: (limit) => listQuarantined(db, limit),
    release: (deviceId, until, by) => releaseDevice(db, deviceId, until, by, clock.now()),
  };
}

type PolicyDesk = Pick<RevocationDesk, 'policyNow' | 'versions' | 'weigh' | 'apply' | 'rollBack' | 'override'>;

function policyDesk(deps: DeskDeps): PolicyDesk {
  const { db, clock } = deps;
  const names = [...new Set(deps.anchors.map(({ name }) => name))];
  const written = ({ document: _, ...rest }: StoredPolicy): PolicyVersion => rest;
  return {
    policyNow: async () => {
      const [policy, relaxed] = await Promise.all([currentPolicy(db), currentOverride(db)]);
      const lasts = relaxed !== undefined && relaxed.until > clock.now();
      return { policy: policy && written(policy), override: lasts ? relaxed : undefined };
    },
    versions: async (limit) => (await policies(db, limit)).map(written),
    weigh: async (draft) => {
      const read = readPolicy(draft.content, names);
      if (!read.ok) return read;
      const impact = await weighPolicy(within(deps, draft), read.document);
      return { ok: true, unchecked: uncheckedAnchors(read.document, names), impact };
    },
    apply: async (draft, by, said) => {
      const read = readPolicy(draft.content, names);
      if (!read.ok) return read;
      const { document } = read;
      const result = await applyWeighed(within(deps, draft), { document, content: draft.content }, by, said);
      return { ...result, unchecked: uncheckedAnchors(document, names) };
    },
    rollBack: (version, by, said) => rollBackWeighed(deps, version, by, said),
    override: async (until, by) => {
      const at = clock.now();
      await override(db, until ?? at, by, at);
      return until ?? at;
    },
  };
}

function within({ egress, ...deps }: DeskDeps, { offline }: PolicyDraft): DeskDeps {
  return offline === true || egress === undefined ? deps : { ...deps, egress };
}

const mostFaults = 50;

function readPolicy(
  content: unknown,
  anchors: readonly string[],
): { readonly ok: true; readonly document: PolicyDocument } | Faulty {
  const parsed = policySchema.safeParse(content);
  const faults = parsed.success
    ? checkPolicy(parsed.data, anchors)
    : parsed.error.issues.map(({ path, message }) => {
        return { key: path.map(String).join('.'), cause: message, remedy: 'see deploy/revocation-policy.example.yaml' };
      });
  if (parsed.success && faults.length === 0) return { ok: true, document: parsed.data };
  return { ok: false, kind: 'faulty', faults: faults.slice(0, mostFaults) };
}

async function showCrl({ db }: DeskDeps, beginning: string, most: number): Promise<CrlShown> {
  const found = (await listHoldings(db)).filter(({ fingerprint }) => fingerprint.startsWith(beginning));
  const [first] = found;
  const kinds = new Set(found.map(({ fingerprint }) => fingerprint));
  if (first === undefined || kinds.size > 1) return { ok: false, several: kinds.size };
  const read = await readCrl(crlBytes(db, first.fingerprint), []);
  const list = [];
  for (const { serialNumber, revokedAt, reason } of listedCertificates(read)) {
    if (list.length >= most) break;
    list.push({ serialNumber, revokedAt, reason });
  }
  const { signers: _, ...held } = first;
  return { ok: true, crl: { ...held, origins: found.map(({ origin }) => origin), list } };
}
