import { createHash } from 'node:crypto';
import type { Queryable } from '../../platform/postgres.ts';
import type { CertificateList } from '../../x509/crl.ts';
import { type Predecessor, rollbackOf } from '../../x509/crl-freshness.ts';
import { nameToString } from '../../x509/name.ts';
import {
  type CrlRow,
  dropUnheld,
  type HeldRow,
  type HoldingRow,
  heldAt,
  hold,
  holdings,
  insertChunk,
  insertCrl,
  readChunk,
  releaseOthers,
} from './crl-queries.ts';

/** Of CRLs that were imported by hand; all others are known by their URL. */
export const uploadOrigin = 'upload';

export interface CrlToStore {
  readonly list: CertificateList;
  readonly der: Uint8Array;
  /** Under which its signer was verified. */
  readonly anchor: string;
  readonly origin: string;
  /** DER of the certificates that verify it. */
  readonly signers: readonly Uint8Array[];
  readonly at: Date;
}

export type StoreResult =
  | { readonly kind: 'stored' }
  /** It is there already. */
  | { readonly kind: 'same' }
  /** REV-15: from the same place came a newer one before. */
  | { readonly kind: 'rollback'; readonly detail: string };

const chunkBytes = 1024 * 1024;

/** Inside `changeRevocation`. */
export async function storeCrl(tx: Queryable, crl: CrlToStore): Promise<StoreResult> {
  const { list, origin, at } = crl;
  const scope = scopeOf(list);
  const held = (await tx.query<HeldRow>(heldAt(origin, scope))).rows[0];
  if (held?.fingerprint === list.fingerprint) return { kind: 'same' };
  const detail = held && rollbackOf(list, predecessorOf(held));
  if (detail !== undefined) return { kind: 'rollback', detail };
  const fingerprint = Buffer.from(list.fingerprint, 'hex');
  await tx.query(insertCrl(rowOf(crl, fingerprint, scope)));
  for (let part = 0; part * chunkBytes < crl.der.length; part += 1)
    await tx.query(insertChunk(fingerprint, part, crl.der.subarray(part * chunkBytes, (part + 1) * chunkBytes)));
  await tx.query(hold(origin, scope, fingerprint, at));
  if (origin !== uploadOrigin) await tx.query(releaseOthers(origin, scope));
  await tx.query(dropUnheld());
  return { kind: 'stored' };
}

function rowOf({ list, anchor, signers, at, der }: CrlToStore, fingerprint: Buffer, scope: Buffer): CrlRow {
  const { cRLNumber, deltaCRLIndicator } = list.extensions;
  return {
    fingerprint,
    anchor,
    issuer: nameToString(list.issuer),
    scope,
    number: cRLNumber?.toString() ?? null,
    base_number: deltaCRLIndicator?.toString() ?? null,
    this_update: list.thisUpdate,
    next_update: list.nextUpdate ?? null,
    entries: list.entries.table.count,
    size: der.length,
    signers: signers.map((signer) => Buffer.from(signer)),
    stored_at: at,
  };
}

function predecessorOf({ number, this_update: thisUpdate }: HeldRow): Predecessor {
  return { number: number === null ? undefined : BigInt(number), thisUpdate };
}

/** Issuer, its key, complete or delta, and which certificates and reasons it covers. */
function scopeOf({ issuer, extensions }: CertificateList): Buffer {
  const { authorityKeyIdentifier, deltaCRLIndicator, issuingDistributionPoint } = extensions;
  const hash = createHash('sha256');
  const part = (bytes: Uint8Array | undefined): void => {
    hash.update(`${bytes?.length ?? -1}:`);
    if (bytes !== undefined) hash.update(bytes);
  };
  part(issuer.der);
  part(authorityKeyIdentifier?.keyIdentifier);
  part(issuingDistributionPoint?.der);
  hash.update(deltaCRLIndicator === undefined ? 'complete' : 'delta');
  return hash.digest();
}

export interface Holding {
  readonly origin: string;
  readonly fingerprint: string;
  readonly anchor: string;
  readonly issuer: string;
  readonly number?: string;
  readonly delta: boolean;
  readonly thisUpdate: Date;
  readonly nextUpdate?: Date;
  readonly entries: number;
  readonly size: number;
  readonly since: Date;
  readonly signers: readonly Uint8Array[];
}

/** Every CRL in use, once for each place it came from. */
export async function listHoldings(db: Queryable): Promise<readonly Holding[]> {
  const { rows } = await db.query<HoldingRow>(holdings());
  return rows.map((row) => ({
    origin: row.origin,
    fingerprint: row.fingerprint,
    anchor: row.anchor,
    issuer: row.issuer,
    ...(row.number !== null && { number: row.number }),
    delta: row.base_number !== null,
    thisUpdate: row.this_update,
    ...(row.next_update !== null && { nextUpdate: row.next_update }),
    entries: row.entries,
    size: row.size,
    since: row.since,
    signers: row.signers,
  }));
}

/** The DER of a CRL in use, part by part; ends early when it was replaced meanwhile. */
export async function* crlBytes(db: Queryable, fingerprint: string): AsyncGenerator<Uint8Array> {
  const id = Buffer.from(fingerprint, 'hex');
  for (let part = 0; ; part += 1) {
    const { rows } = await db.query<{ bytes: Buffer }>(readChunk(id, part));
    const [row] = rows;
    if (row === undefined) return;
    yield row.bytes;
    if (row.bytes.length < chunkBytes) return;
  }
}
