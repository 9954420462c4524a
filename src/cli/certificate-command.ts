import { type Command, Option } from 'commander';
import type { ProfileName } from '../x509/profile.ts';
import { registerOptions } from './access-options.ts';
import { instant, objectIdentifier, wholeNumber } from './arguments.ts';
import { addOcsp } from './certificate-ocsp-command.ts';

/** What each command does is loaded when it is called: judging a chain is a matter of milliseconds. */
export function addCertificateCommands(hems: Command): void {
  const certificate = hems
    .command('certificate')
    .description('judge and look at certificates, CRLs and OCSP answers; needs no server');
  addCheck(certificate);
  addOcsp(certificate);
  certificate
    .command('show')
    .description('what is in a file, for people; what a certificate breaks of the profile is marked')
    .argument('<file>', 'certificates, CRLs or OCSP answers, PEM or DER; "-" for standard input')
    .addOption(profileOption())
    .action(async (file: string, options) => (await import('./certificate-show.ts')).showFile(file, options));
  certificate
    .command('profile')
    .description('the rules that certificates are held to, each with its clause and what breaking it means')
    .addOption(profileOption())
    .option('--json', 'for machines')
    .action(async (options) => (await import('./certificate-profile.ts')).printProfile(options));
  registerOptions(certificate.command('survey'))
    .description('what each rule would refuse of the certificates that devices have shown, by anchor')
    .addOption(profileOption())
    .action(async (options) => (await import('./certificate-survey.ts')).survey(options));
}

export interface CheckOptions {
  readonly trust: readonly string[];
  readonly chain: string;
  readonly at?: Date;
  readonly profile: ProfileName;
  readonly offline?: boolean;
  readonly json?: boolean;
  readonly policyOid?: readonly string[];
  readonly requireExplicitPolicy?: boolean;
  readonly inhibitPolicyMapping?: boolean;
  readonly inhibitAnyPolicy?: boolean;
  readonly maxDepth?: number;
  readonly acceptExpiredAnchor?: boolean;
  readonly crl?: readonly string[];
  readonly crlDir?: string;
  readonly ocspResponse?: readonly string[];
  readonly policy?: string;
  readonly anchor?: string;
  readonly fetch?: boolean;
}

function addCheck(certificate: Command): void {
  certificate
    .command('check')
    .description('judge a chain as the gate does: the path alone, without server, database, configuration or network')
    .requiredOption('--trust <file>', 'trust anchors, not necessarily self-signed; may be repeated', collect<string>)
    .requiredOption('--chain <file>', 'the leaf first, then anything; PEM or DER, "-" for standard input')
    .option('--at <time>', 'judge at this time: 2026-01-31T12:00:00Z (default: now)', instant)
    .addOption(profileOption())
    .option(
      '--policy-oid <oid>',
      'a certificate policy that is acceptable; may be repeated (default: any)',
      (text, all) => collect(objectIdentifier(text), all as string[] | undefined),
    )
    .option('--require-explicit-policy', 'the path must be valid for an acceptable policy (RFC 5280 6.1.1 (f))')
    .option('--inhibit-policy-mapping', 'policy mappings are not followed (RFC 5280 6.1.1 (e))')
    .option('--inhibit-any-policy', 'anyPolicy stands for no policy (RFC 5280 6.1.1 (g))')
    .option(
      '--max-depth <n>',
      'most intermediates, self-issued ones not counted; 0 for none',
      wholeNumber(0, 1_000_000),
    )
    .option('--accept-expired-anchor', 'accept trust anchors outside their validity')
    .option('--crl <file>', 'a CRL, PEM or DER; may be repeated', collect<string>)
    .option('--crl-dir <dir>', 'every CRL in a folder; what is none is passed over with a note')
    .option('--ocsp-response <file>', 'an OCSP answer, PEM or DER; may be repeated', collect<string>)
    .option('--policy <file>', 'the revocation policy to judge by (deploy/revocation-policy.example.yaml)')
    .option('--anchor <name>', 'whose entry of the policy (default: the only one, or "*")')
    .option('--fetch', 'follow the pointers to CRLs and responders that the certificates name')
    .option('--offline', 'fetch nothing, whatever the policy names')
    .option('--json', 'print {"valid":…,"path":[…],"reasons":[…],"identity":…}')
    .action(async (options: CheckOptions) => (await import('./certificate-check.ts')).check(options));
}

function profileOption(): Option {
  return new Option('--profile <name>', 'hems: TS 33.310 for femtocells; rfc5280: the RFC alone')
    .choices(['hems', 'rfc5280'])
    .default('hems');
}

function collect<T>(one: T, all: readonly T[] = []): readonly T[] {
  return [...all, one];
}
