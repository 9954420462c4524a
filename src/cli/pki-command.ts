import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { systemClock } from '../platform/clock.ts';
import { type AnchorName, anchorPlans } from '../simulator/development-authorities.ts';
import { createDevelopmentPki } from '../simulator/development-pki.ts';
import { issueDevice } from '../simulator/device-certificates.ts';
import { toolConfig } from './configuration.ts';
import { exitCodes, failure } from './failure.ts';
import { addPkiRevocation } from './pki-revocation-command.ts';
import { print, printJson } from './terminal.ts';

interface IssueOptions {
  readonly anchor: AnchorName;
  readonly identity: string;
  readonly key: 'ec' | 'rsa';
  readonly out: string;
  readonly crlUrl?: string;
  readonly ocspUrl?: string;
  readonly dataDir?: string;
  readonly json?: boolean;
}

/** An FQDN `<EUI>.<realm>` or a TR-069 `OUI[-ProductClass]-Serial` is what a device certificate can prove. */
const identityForm = /^([0-9a-f]{12}|[0-9a-f]{16})(\.[a-z0-9-]+){2,}$|^[0-9A-Fa-f]{6}(-[A-Za-z0-9._~%]+){1,2}$/i;

export function addPkiCommands(hems: Command): void {
  const pki = hems.command('pki').description('the development PKI of the data directory; never for production');
  pki
    .command('issue')
    .description('issue a device certificate: writes device.crt (with its chain), device.key and ca.crt')
    .addOption(new Option('--anchor <name>', 'who issues it').choices(Object.keys(anchorPlans)).makeOptionMandatory())
    .requiredOption('--identity <fqdn>', 'e.g. 00a0bc000001.hnb.acme.example')
    .addOption(new Option('--key <kind>', 'EC P-256 or RSA-2048').choices(['ec', 'rsa']).default('ec'))
    .requiredOption('--out <dir>', 'folder for the three files; made if missing')
    .option('--crl-url <url>', 'where its CRL is, as the certificate shall say')
    .option('--ocsp-url <url>', 'where its responder is, as the certificate shall say')
    .option('--data-dir <dir>', 'where the development PKI lies (default: HEMS_DATA_DIR or ./var)')
    .option('--json', 'print {"certificate":…,"key":…,"ca":…,"fingerprint":…}')
    .action(issue);
  addPkiRevocation(pki);
}

async function issue(options: IssueOptions): Promise<void> {
  if (!identityForm.test(options.identity))
    throw failure(
      exitCodes.usage,
      `${JSON.stringify(options.identity)} is no device identity`,
      'write 12 or 16 hex digits and a realm, as in 00a0bc000001.hnb.acme.example',
    );
  const { dataDir } = toolConfig(options);
  const pki = await createDevelopmentPki(join(dataDir, 'pki'), systemClock.now());
  await mkdir(options.out, { recursive: true });
  const { anchor, identity, key, out, crlUrl, ocspUrl } = options;
  const pointers = { ...(crlUrl !== undefined && { crl: crlUrl }), ...(ocspUrl !== undefined && { ocsp: ocspUrl }) };
  const { fingerprint } = await issueDevice({ pki, anchor, identity, key, out, pointers, at: systemClock.now() });
  const files = { certificate: join(out, 'device.crt'), key: join(out, 'device.key'), ca: join(out, 'ca.crt') };
  if (options.json === true) return printJson({ ...files, fingerprint });
  print(`${files.certificate}  the certificate of ${identity} with its chain`);
  print(`${files.key}  its key`);
  print(`${files.ca}  the CA by which the device trusts the H(e)MS`);
  print(`\nLet it in: npx hems device add --anchor ${anchor} --identity ${identity}`);
}
