import type { Command } from 'commander';
import { instant, span } from './arguments.ts';

export interface OcspOptions {
  readonly response: string;
  readonly certificate: string;
  readonly issuer: string;
  readonly responder?: string;
  readonly at?: Date;
  /** Milliseconds. */
  readonly maxAge?: number;
  readonly allowSha1?: boolean;
  readonly json?: boolean;
}

export function addOcsp(certificate: Command): void {
  certificate
    .command('ocsp')
    .description('judge one OCSP answer: is it about this certificate, by whom it may be, and does it still count')
    .requiredOption('--response <file>', 'the answer: DER, PEM (OCSP RESPONSE) or bare base64; "-" for standard input')
    .requiredOption('--certificate <file>', 'whom it is about; PEM or DER, the first one counts')
    .requiredOption('--issuer <file>', 'the CA that issued it, trusted as it is; PEM or DER')
    .option('--responder <file>', 'a responder that is trusted though this CA did not appoint it')
    .option('--at <time>', 'judge at this time: 2026-01-31T12:00:00Z (default: now)', instant)
    .option('--max-age <span>', 'oldest thisUpdate: 12h, 7d (default: until nextUpdate; 1h where there is none)', span)
    .option('--allow-sha1', 'believe signatures over SHA-1, too')
    .option('--json', 'print {"status":"good|revoked|unknown|unusable","cause":…}')
    .action(async (options: OcspOptions) => (await import('./certificate-ocsp.ts')).judgeOcsp(options));
}
