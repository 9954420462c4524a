import { type Command, Option } from 'commander';
import { authorityPlans } from '../simulator/development-authorities.ts';
import { revocationMisbehaviours } from '../simulator/revocation-misbehaviour.ts';
import { revocationReasons } from '../x509/certificate-status.ts';
import { span, wholeNumber } from './arguments.ts';

const dataDir = ['--data-dir <dir>', 'where the development PKI lies (default: HEMS_DATA_DIR or ./var)'] as const;

/** How the development PKI takes certificates back: for trying what a manufacturer or an operator would do. */
export function addPkiRevocation(pki: Command): void {
  const names = authorityPlans.map(({ name }) => name);
  pki
    .command('revoke')
    .description('take a certificate back: it stands in the next CRL and OCSP answer of the CA that issued it')
    .requiredOption('--certificate <file>', 'PEM or DER, the first one counts')
    .addOption(new Option('--reason <reason>', 'RFC 5280 5.3.1').choices(revocationReasons).default('unspecified'))
    .option(...dataDir)
    .option('--json', 'print {"authority":…,"serialNumber":…,"reason":…}')
    .action(async (options) => (await import('./pki-revocation.ts')).revoke(options));
  pki
    .command('crl')
    .description('sign the CRL of a CA')
    .addOption(new Option('--authority <name>', 'whose CRL').choices(names).makeOptionMandatory())
    .requiredOption('--out <file>', 'file to write, DER')
    .addOption(
      new Option('--next-update <span>', 'until nextUpdate: 12h').argParser(span).default(7 * 86_400_000, '7d'),
    )
    .option(...dataDir)
    .action(async (options) => (await import('./pki-revocation.ts')).writeCrl(options));
  pki
    .command('responder')
    .description('serve the CRLs and OCSP answers of every CA on loopback, until interrupted')
    .option('--port <port>', '0: any free one', wholeNumber(0, 65_535), 8888)
    .addOption(new Option('--misbehave <how>', 'fail towards everybody').choices(revocationMisbehaviours))
    .option(...dataDir)
    .action(async (options) => (await import('./pki-revocation.ts')).respond(options));
}
