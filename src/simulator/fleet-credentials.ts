import { createHash, X509Certificate } from 'node:crypto';
import { type Dirent, existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AnchorName, anchorPlans } from './development-authorities.ts';
import { type DevelopmentPki, isDevelopmentPki, openDevelopmentPki } from './development-pki.ts';
import { type DeviceFault, issueDevice } from './device-certificates.ts';
import { derivedKeyPair } from './key-pairs.ts';

export interface FleetDevice {
  readonly identity: string;
  readonly manufacturer: string;
  /** PEM. */
  readonly chain: string;
  readonly key: string;
  readonly ca: string;
}

/** Where a simulated fleet has its certificates from. */
export interface CredentialSource {
  readonly kind: 'development-pki' | 'folder';
  /** How many devices it can dress. */
  readonly limit: number;
  device(index: number, fault?: DeviceFault): Promise<FleetDevice>;
}

export type SourceResult =
  | { readonly ok: true; readonly source: CredentialSource }
  | { readonly ok: false; readonly cause: string; readonly remedy: string };

/**
 * Opens a folder of certificates: a development PKI (or a data directory with one in `pki/`), from which devices are
 * issued by seed; else `device.crt`, `device.key` and `ca.crt` in it and in its subfolders.
 */
export async function openCredentials(certsDir: string, seed: string, at: Date): Promise<SourceResult> {
  for (const dir of [certsDir, join(certsDir, 'pki')])
    if (await isDevelopmentPki(dir)) return { ok: true, source: fromPki(await openDevelopmentPki(dir), seed, at) };
  return fromFolder(certsDir);
}

export interface FleetMember {
  readonly anchor: AnchorName;
  readonly identity: string;
}

const makers = ['acme', 'zenith'] as const;

/** Who the devices of a fleet dressed by a development PKI are: the same for the same seed. For enrolling them. */
export function fleetMember(seed: string, index: number): FleetMember {
  const anchor = makers[index % makers.length] ?? 'acme';
  const base = createHash('sha256').update(`fleet ${seed}`).digest().readUIntBE(0, 3);
  const device = (base + Math.floor(index / makers.length)) & 0xffffff;
  const eui = `${anchorPlans[anchor].oui}${device.toString(16).padStart(6, '0')}`.toLowerCase();
  return { anchor, identity: `${eui}.${anchorPlans[anchor].realm}` };
}

function fromPki(pki: DevelopmentPki, seed: string, at: Date): CredentialSource {
  return {
    kind: 'development-pki',
    limit: makers.length * 2 ** 24,
    device: async (index, fault) => {
      const { anchor, identity } = fleetMember(seed, index);
      const faults = fault === undefined ? [] : [fault];
      const key = derivedKeyPair(`${seed} ${identity}`);
      const device = await issueDevice({ pki, anchor, identity, key, at, faults });
      return { ...device, manufacturer: anchorPlans[anchor].organisation };
    },
  };
}

async function fromFolder(certsDir: string): Promise<SourceResult> {
  const folders = await deviceFolders(certsDir);
  if (folders.length === 0)
    return {
      ok: false,
      cause: `${certsDir} holds neither a development PKI nor device.crt and device.key`,
      remedy: 'issue some with "hems pki issue", or name the data directory of a development server',
    };
  const blind = folders.find((folder) => !existsSync(join(folder, 'ca.crt')) && !existsSync(join(certsDir, 'ca.crt')));
  if (blind !== undefined)
    return {
      ok: false,
      cause: `${blind} has no ca.crt, by which the device would know its H(e)MS`,
      remedy: `put the CA of the H(e)MS there, or into ${certsDir} for all devices`,
    };
  const source: CredentialSource = {
    kind: 'folder',
    limit: folders.length,
    device: async (index, fault) => {
      if (fault !== undefined) throw new Error(`${fault} needs a development PKI to mint the certificate`);
      return readDevice(certsDir, folders[index] ?? '');
    },
  };
  return { ok: true, source };
}

async function deviceFolders(certsDir: string): Promise<string[]> {
  const entries = await readdir(certsDir, { withFileTypes: true }).catch((): Dirent[] => []);
  const candidates = [
    certsDir,
    ...entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(certsDir, name)),
  ];
  const found = await Promise.all(
    candidates.map(async (folder) => {
      const names = await readdir(folder).catch((): string[] => []);
      return names.includes('device.crt') && names.includes('device.key') ? [folder] : [];
    }),
  );
  return found.flat().sort();
}

async function readDevice(certsDir: string, folder: string): Promise<FleetDevice> {
  const chain = await readFile(join(folder, 'device.crt'), 'utf8');
  const key = await readFile(join(folder, 'device.key'), 'utf8');
  const ca = await readFile(join(folder, 'ca.crt'), 'utf8').catch(() => readFile(join(certsDir, 'ca.crt'), 'utf8'));
  const leaf = new X509Certificate(chain);
  const named = /DNS:([^,\s]+)/.exec(leaf.subjectAltName ?? '')?.[1] ?? /^CN=(.+)$/m.exec(leaf.subject)?.[1];
  const manufacturer = /^O=(.+)$/m.exec(leaf.subject)?.[1] ?? 'Unknown';
  return { identity: named ?? 'unnamed', manufacturer, chain, key, ca };
}
