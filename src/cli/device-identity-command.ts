import type { Command } from 'commander';
import { registerOptions } from './access-options.ts';
import { type DeviceOptions, oneDevice, tellState, withRegister } from './device-access.ts';
import { identityName } from './identity-name.ts';
import { byOperator } from './operator.ts';

interface IdentityOptions extends DeviceOptions {
  readonly anchor: string;
  readonly identity: string;
}

/** `add` is `device add --device` under the name that people look for. */
export function addIdentityCommands(
  device: Command,
  add: (text: string, options: IdentityOptions) => Promise<void>,
): void {
  const identity = device.command('identity').description('what the certificates of one device prove');
  const both = (command: Command): Command =>
    registerOptions(command)
      .argument('<device>', 'id, identity, OUI-Serial, or fingerprint of a certificate')
      .requiredOption('--anchor <name>', 'the trust anchor that vouches for the identity')
      .requiredOption('--identity <fqdn>', '00a0bc000001.hnb.operator.example, or OUI[-ProductClass]-Serial');
  both(identity.command('add'))
    .description('link a further identity: that of the operator’s PKI to the one the manufacturer gave')
    .option('--reason <text>', 'for the audit')
    .action(add);
  both(identity.command('remove'))
    .description('take an identity away; its certificates are turned away')
    .requiredOption('--reason <text>', 'for the audit')
    .action(remove);
}

async function remove(text: string, options: IdentityOptions): Promise<void> {
  const name = identityName(options.identity);
  await withRegister(options, async (register) => {
    const deviceId = await oneDevice(register, text);
    const identity = { anchor: options.anchor, ...name };
    tellState(await register.removeIdentity(deviceId, identity, byOperator(options.reason)), options);
  });
}
