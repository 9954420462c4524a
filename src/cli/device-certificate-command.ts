import type { Command } from 'commander';
import { registerOptions } from './access-options.ts';
import { type DeviceOptions, oneDevice, tellState, withRegister } from './device-access.ts';
import { exitCodes, failure } from './failure.ts';
import { identityName } from './identity-name.ts';
import { byOperator } from './operator.ts';

interface CertificateOptions extends DeviceOptions {
  readonly fingerprint: string;
  readonly anchor?: string;
  readonly identity?: string;
}

export function addDeviceCertificateCommands(device: Command): void {
  const certificate = device.command('certificate').description('by which certificates one device may come in');
  const both = (name: string): Command =>
    registerOptions(certificate.command(name))
      .argument('<device>', 'id, identity, OUI-Serial, or fingerprint of a certificate')
      .requiredOption('--fingerprint <sha256>', 'of the certificate, seen already or not')
      .requiredOption('--reason <text>', 'for the audit');
  both('add')
    .description('let in a certificate; other keys stay as they are ("device rebind" turns them away)')
    .option('--anchor <name>', 'with --identity: which of its identities, where the certificate was not seen yet')
    .option('--identity <fqdn>', 'with --anchor')
    .action(add);
  both('remove').description('turn away the key of a certificate; what it has open is closed').action(remove);
}

/** As OpenSSL writes it, too. */
export function fingerprintOf(text: string): string {
  const fingerprint = text.replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(fingerprint)) return fingerprint;
  throw failure(
    exitCodes.usage,
    '--fingerprint is not a SHA-256 of 64 hexadecimal digits',
    'openssl x509 -in device.crt -noout -fingerprint -sha256',
  );
}

/** The identity that a certificate not seen yet is of. */
export function identityWith({ anchor, identity }: Pick<CertificateOptions, 'anchor' | 'identity'>) {
  if ((anchor === undefined) !== (identity === undefined))
    throw failure(exitCodes.usage, '--anchor and --identity go together');
  return anchor === undefined || identity === undefined ? {} : { identity: { anchor, ...identityName(identity) } };
}

async function add(text: string, options: CertificateOptions): Promise<void> {
  const input = { fingerprint: fingerprintOf(options.fingerprint), ...identityWith(options) };
  await withRegister(options, async (register) => {
    const deviceId = await oneDevice(register, text);
    tellState(await register.addCertificate({ deviceId, ...input }, byOperator(options.reason)), options);
  });
}

async function remove(text: string, options: CertificateOptions): Promise<void> {
  const fingerprint = fingerprintOf(options.fingerprint);
  await withRegister(options, async (register) => {
    const deviceId = await oneDevice(register, text);
    tellState(await register.removeCertificate(deviceId, fingerprint, byOperator(options.reason)), options);
  });
}
