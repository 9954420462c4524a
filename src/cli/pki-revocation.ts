import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../platform/clock.ts';
import { createDevelopmentPki, type DevelopmentPki } from '../simulator/development-pki.ts';
import { createRevocationAuthority } from '../simulator/revocation-authority.ts';
import { type BookEntry, bookEntry, issuerAmong, readBook, writeEntry } from '../simulator/revocation-book.ts';
import type { RevocationMisbehaviour } from '../simulator/revocation-misbehaviour.ts';
import { startRevocationServer } from '../simulator/revocation-server.ts';
import { findAuthority } from '../simulator/development-authorities.ts';
import { parseCertificate } from '../x509/certificate.ts';
import type { RevocationReason } from '../x509/certificate-status.ts';
import { DerError } from '../x509/der.ts';
import { toolConfig } from './configuration.ts';
import { exitCodes, failure } from './failure.ts';
import { derOf, readOperatorFile } from './operator-file.ts';
import { print, printJson } from './terminal.ts';

interface PkiOptions {
  readonly dataDir?: string;
}

interface Ground {
  readonly pki: DevelopmentPki;
  readonly book: string;
}

async function open(options: PkiOptions): Promise<Ground> {
  const { dataDir } = toolConfig(options);
  const pki = await createDevelopmentPki(join(dataDir, 'pki'), systemClock.now());
  return { pki, book: join(dataDir, 'pki-revoked.json') };
}

interface RevokeOptions extends PkiOptions {
  readonly certificate: string;
  readonly reason: RevocationReason;
  readonly json?: boolean;
}

export async function revoke(options: RevokeOptions): Promise<void> {
  const { pki, book } = await open(options);
  const [der = new Uint8Array()] = derOf(
    await readOperatorFile(options.certificate),
    options.certificate,
    'CERTIFICATE',
  );
  const certificate = readable(der, options.certificate);
  const authority = issuerAmong(pki.authorities, certificate);
  if (authority === undefined)
    throw failure(
      exitCodes.no,
      `${options.certificate} was not issued by this development PKI`,
      'name the data directory that it was issued from: --data-dir',
    );
  const entry = bookEntry(authority, certificate, systemClock.now(), options.reason);
  await writeEntry(book, entry);
  if (options.json === true) return printJson(entry);
  print(`${entry.serialNumber} of ${authority.name} is revoked (${entry.reason}).`);
  print(`\nTell hems by a CRL:   npx hems pki crl --authority ${authority.name} --out ${authority.name}.crl`);
  print('or by a responder:    npx hems pki responder');
}

function readable(der: Uint8Array, path: string) {
  try {
    return parseCertificate(der);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw failure(exitCodes.usage, `${path} cannot be read: ${error.message}`, 'give a certificate in PEM or DER');
  }
}

interface CrlOptions extends PkiOptions {
  readonly authority: string;
  readonly out: string;
  readonly nextUpdate: number;
}

export async function writeCrl(options: CrlOptions): Promise<void> {
  const { pki, book } = await open(options);
  const at = systemClock.now();
  const authority = await createRevocationAuthority(findAuthority(pki.authorities, options.authority), at);
  const entries = (await readBook(book)).filter((entry) => entry.authority === options.authority);
  for (const { serialNumber, revokedAt, reason } of entries) authority.revoke(serialNumber, revokedAt, reason);
  await writeFile(options.out, await authority.crl(at, undefined, options.nextUpdate));
  print(`${options.out}  the CRL of ${options.authority} with ${entries.length} certificates`);
}

interface RespondOptions extends PkiOptions {
  readonly port: number;
  readonly misbehave?: RevocationMisbehaviour;
}

export async function respond(options: RespondOptions): Promise<void> {
  const { pki, book } = await open(options);
  const server = await startRevocationServer({
    pki,
    now: () => systemClock.now(),
    port: options.port,
    // What another command revoked meanwhile.
    before: async () => takeUp(await readBook(book)),
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') throw error;
    throw failure(exitCodes.unavailable, `port ${options.port} is not to be had`, 'name another one: --port');
  });
  const takeUp = (entries: readonly BookEntry[]): void => {
    for (const { authority, serialNumber, revokedAt, reason } of entries)
      server.authority(authority).revoke(serialNumber, revokedAt, reason);
  };
  server.misbehave(options.misbehave);
  for (const { name } of pki.authorities) print(`${name.padEnd(16)} ${server.crlUrl(name)}  ${server.ocspUrl(name)}`);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  await once(stop.signal, 'abort');
  await server.close();
}
