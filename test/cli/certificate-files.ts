import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { writePem } from '../../src/x509/pem.ts';
import { type Ended, hems, json, testFolder } from '../integration/command.ts';
import type { Minted } from '../x509/minting.ts';

/** Certificates in files, and the commands that read them. */

export function pem(...certificates: readonly Minted[]): string {
  return certificates.map(({ der }) => writePem(der, 'CERTIFICATE')).join('');
}

export interface Files {
  /** Writes a file and answers its path. */
  file(name: string, content: string | Uint8Array): string;
  /** `hems certificate check` on these, judged at the time of the tests. */
  check(
    trust: readonly Minted[] | string,
    chain: readonly Minted[] | string,
    ...more: readonly string[]
  ): Promise<Ended>;
}

export function files(t: TestContext): Files {
  const folder = testFolder(t);
  let written = 0;
  const file = (name: string, content: string | Uint8Array): string => {
    const path = join(folder, `${written++}-${name}`);
    writeFileSync(path, content);
    return path;
  };
  const pathOf = (given: readonly Minted[] | string): string =>
    typeof given === 'string' ? given : file('certificates.pem', pem(...given));
  return {
    file,
    check: (trust, chain, ...more) => {
      const at = more.includes('--at') ? [] : ['--at', '2026-06-01T12:00:00Z'];
      return hems(['certificate', 'check', '--trust', pathOf(trust), '--chain', pathOf(chain), ...at, ...more]);
    },
  };
}

export interface CheckAnswer {
  readonly valid: boolean;
  readonly path: readonly { role: string; subject: string; fingerprint: string }[];
  readonly reasons: readonly { reason: string; detail: string; rule?: string; clause?: string; message: string }[];
  readonly identity: { rule: string; kind: string; value: string } | { problem: string } | null;
}

export const answerOf = (ended: Ended): CheckAnswer => json<CheckAnswer>(ended);
