import { createHash, randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pem } from './certificate-minting.ts';
import {
  type AnchorName,
  type Authority,
  anchorPlans,
  authorityPlans,
  findAuthority,
  mintAuthorities,
  mintServerCertificate,
} from './development-authorities.ts';
import { newKeyPair, privateKeyPem, readKeyPair } from './key-pairs.ts';

/** What a configuration needs to trust one anchor of the development PKI. Paths are absolute. */
export interface DevelopmentAnchor {
  readonly name: AnchorName;
  readonly kind: 'manufacturer' | 'operator';
  readonly certificates: string[];
  readonly realms: string[];
  readonly registration: 'known-only';
}

export interface DevelopmentPki {
  readonly dir: string;
  /** False when what was there has been taken up. */
  readonly created: boolean;
  /** Where a damaged predecessor was put, if there was one. */
  readonly setAside?: string;
  readonly authorities: readonly Authority[];
  readonly anchors: readonly DevelopmentAnchor[];
  /** The H(e)MS's own certificates (each file holds its whole chain) and keys: paths, ECDSA P-256 and RSA-2048. */
  readonly server: { readonly ec: ServerFiles; readonly rsa: ServerFiles };
  /** PEM of the CA by which devices trust the H(e)MS, and its path. */
  readonly operatorCa: { readonly path: string; readonly pem: string };
}

export interface ServerFiles {
  readonly chain: string;
  readonly key: string;
}

interface Manifest {
  readonly kind: 'hems development PKI';
  readonly version: 1;
  readonly createdAt: string;
  /** SHA-256 of each file, so that a file cut short by a crash is seen. */
  readonly files: Record<string, string>;
}

const manifestName = 'pki.json';
const fileNames = [...authorityPlans.map(({ name }) => name), 'hems-ec', 'hems-rsa'].flatMap((name) => [
  `${name}.crt`,
  `${name}.key`,
]);

/** The folder holds something else, and nothing in it was touched. */
class ForeignFolderError extends Error {
  readonly remedy = 'name a data directory that is empty, or new';
  constructor(dir: string, found: string) {
    super(`${dir} is no development PKI: it holds ${JSON.stringify(found)}`);
    this.name = 'ForeignFolderError';
  }
}

/**
 * Makes the development PKI in `dir`, or takes up the one that is there: two manufacturers with root and issuing CA, an
 * operator's CA, and the H(e)MS's certificates for loopback. The folder appears at once or not at all, so a kill in the
 * middle leaves nothing half-made; a damaged one is set aside, never deleted. Throws ForeignFolderError if `dir` holds anything else.
 */
export async function createDevelopmentPki(dir: string, at: Date): Promise<DevelopmentPki> {
  const target = resolve(dir);
  const found = await inspect(target);
  if (found === 'complete') return openDevelopmentPki(target);
  const setAside = found === 'damaged' ? await moveAside(target, at) : undefined;
  await removeLeftovers(target, at);
  const draft = join(dirname(target), `.${basename(target)}.new-${randomUUID()}`);
  try {
    await mkdir(draft, { recursive: true, mode: 0o700 });
    await writePki(draft, at);
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Another process was first: its PKI is as good as ours.
    if ((await inspect(target)) !== 'complete') throw error;
    return openDevelopmentPki(target);
  }
  return { ...(await openDevelopmentPki(target)), created: true, ...(setAside === undefined ? {} : { setAside }) };
}

/** Reads a complete development PKI. Throws, naming the folder, if it is missing or damaged. */
export async function openDevelopmentPki(dir: string): Promise<DevelopmentPki> {
  const target = resolve(dir);
  const found = await inspect(target);
  if (found !== 'complete') throw new Error(`${target} holds no complete development PKI (${found})`);
  const at = (name: string): string => join(target, name);
  const authorities = await Promise.all(authorityPlans.map(({ name }) => readAuthority(target, name)));
  const operator = at(`${anchorPlans.operator.root}.crt`);
  return {
    dir: target,
    created: false,
    authorities,
    anchors: Object.values(anchorPlans).map(({ name, kind, root, realm }) => ({
      name,
      kind,
      certificates: [at(`${root}.crt`)],
      realms: [realm],
      registration: 'known-only',
    })),
    server: {
      ec: { chain: at('hems-ec.crt'), key: at('hems-ec.key') },
      rsa: { chain: at('hems-rsa.crt'), key: at('hems-rsa.key') },
    },
    operatorCa: { path: operator, pem: await readFile(operator, 'utf8') },
  };
}

/** Whether `dir` holds a complete development PKI. */
export async function isDevelopmentPki(dir: string): Promise<boolean> {
  return (await inspect(resolve(dir)).catch(() => 'damaged')) === 'complete';
}

async function readAuthority(dir: string, name: string): Promise<Authority> {
  const plan = authorityPlans.find((authority) => authority.name === name);
  const certificate = await readFile(join(dir, `${name}.crt`), 'utf8');
  const pair = readKeyPair(await readFile(join(dir, `${name}.key`), 'utf8'));
  const base64 = certificate.replace(/-----[^-]+-----|\s/g, '');
  return { name, issuer: { name: plan?.subject ?? [], ...pair }, certificate: Buffer.from(base64, 'base64') };
}

async function writePki(dir: string, at: Date): Promise<void> {
  const [authorities, ec, rsa] = await Promise.all([mintAuthorities(at), newKeyPair('ec'), newKeyPair('rsa')]);
  const operator = findAuthority(authorities, anchorPlans.operator.issuing);
  const operatorPem = pem('CERTIFICATE', operator.certificate);
  const files = new Map<string, string>();
  for (const { name, certificate, issuer } of authorities) {
    files.set(`${name}.crt`, pem('CERTIFICATE', certificate));
    files.set(`${name}.key`, privateKeyPem(issuer));
  }
  for (const [name, pair] of [
    ['hems-ec', ec],
    ['hems-rsa', rsa],
  ] as const) {
    files.set(`${name}.crt`, pem('CERTIFICATE', await mintServerCertificate(pair, operator, at)) + operatorPem);
    files.set(`${name}.key`, privateKeyPem(pair));
  }
  for (const [name, text] of files)
    await writeFile(join(dir, name), text, { mode: name.endsWith('.key') ? 0o600 : 0o644 });
  const manifest: Manifest = {
    kind: 'hems development PKI',
    version: 1,
    createdAt: at.toISOString(),
    files: Object.fromEntries([...files].map(([name, text]) => [name, sha256(text)])),
  };
  await writeFile(join(dir, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
  await chmod(dir, 0o700);
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

async function inspect(dir: string): Promise<'absent' | 'complete' | 'damaged'> {
  const present = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (present.length === 0) return 'absent';
  const foreign = present.find((name) => name !== manifestName && !fileNames.includes(name));
  const complete = await matchesManifest(dir);
  if (!complete && foreign !== undefined) throw new ForeignFolderError(dir, foreign);
  return complete ? 'complete' : 'damaged';
}

async function matchesManifest(dir: string): Promise<boolean> {
  try {
    const manifest = JSON.parse(await readFile(join(dir, manifestName), 'utf8')) as Manifest;
    if (manifest.kind !== 'hems development PKI' || manifest.version !== 1) return false;
    const texts = await Promise.all(fileNames.map((name) => readFile(join(dir, name), 'utf8')));
    return fileNames.every((name, index) => manifest.files[name] === sha256(texts[index] ?? ''));
  } catch {
    return false;
  }
}

async function moveAside(dir: string, at: Date): Promise<string> {
  const to = `${dir}.damaged-${at.toISOString().replace(/[:.]/g, '')}-${randomUUID().slice(0, 8)}`;
  await rename(dir, to);
  return to;
}

/** Drafts of processes that were killed; a younger one may still be at work. */
async function removeLeftovers(target: string, at: Date): Promise<void> {
  const parent = dirname(target);
  await mkdir(parent, { recursive: true });
  for (const name of await readdir(parent)) {
    if (!name.startsWith(`.${basename(target)}.new-`)) continue;
    const made = await stat(join(parent, name)).catch(() => undefined);
    if (made !== undefined && at.getTime() - made.mtimeMs > 600_000)
      await rm(join(parent, name), { recursive: true, force: true });
  }
}
