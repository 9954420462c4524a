import { Command, CommanderError } from 'commander';
import { asFailure, exitCodes } from './failure.ts';
import { printable } from './terminal.ts';

const help = `
Exit codes:
  0  done
  1  the answer is no: refused, not found, not as expected
  2  the command line or the configuration is wrong
  3  something it needs is missing: a port, a file, the database

Environment (see README):
  of a server      HEMS_CONFIG, HEMS_DATA_DIR, DATABASE_URL, HEMS_CWMP_PORT, HEMS_MANAGEMENT_PORT, HEMS_LOG_LEVEL,
                   HEMS_WORKERS, HEMS_SECRET_KEY
  of a laptop      HEMS_SERVER (as --server URL) with HEMS_API_KEY_FILE, or HEMS_CLIENT_CERTIFICATE and HEMS_CLIENT_KEY;
                   HEMS_SERVER_CA: commands work over the API of that server, and need no database`;

type AddCommand = (hems: Command) => void;

/** In the order of the help. Only what is called is loaded: a server brings much that a small question does not need. */
const commands: Readonly<Record<string, () => Promise<AddCommand>>> = {
  serve: async () => (await import('./serve-command.ts')).addServeCommand,
  demo: async () => (await import('./demo-command.ts')).addDemoCommand,
  simulate: async () => (await import('./simulate-command.ts')).addSimulateCommand,
  migrate: async () => (await import('./migrate-command.ts')).addMigrateCommand,
  config: async () => (await import('./config-command.ts')).addConfigCommands,
  pki: async () => (await import('./pki-command.ts')).addPkiCommands,
  certificate: async () => (await import('./certificate-command.ts')).addCertificateCommands,
  device: async () => (await import('./device-command.ts')).addDeviceCommands,
  task: async () => (await import('./task-command.ts')).addTaskCommands,
  job: async () => (await import('./job-command.ts')).addJobCommands,
  file: async () => (await import('./file-command.ts')).addFileCommands,
  policy: async () => (await import('./policy-command.ts')).addPolicyCommands,
  crl: async () => (await import('./crl-command.ts')).addCrlCommands,
  revocation: async () => (await import('./revocation-command.ts')).addRevocationCommands,
  status: async () => (await import('./status-command.ts')).addStatusCommand,
  compliance: async () => (await import('./compliance-command.ts')).addComplianceCommand,
  explain: async () => (await import('./explain-command.ts')).addExplainCommand,
  audit: async () => (await import('./audit-command.ts')).addAuditCommands,
  secret: async () => (await import('./secret-command.ts')).addSecretCommands,
  apikey: async () => (await import('./apikey-command.ts')).addApiKeyCommands,
  events: async () => (await import('./events-command.ts')).addEventsCommand,
};

/** With the one command that is called, or with all where the question is which there are. */
export async function program(called?: string): Promise<Command> {
  const hems = new Command('hems')
    .description('H(e)MS of 3GPP TS 33.320: a TR-069 ACS that admits femtocells by certificate and by nothing else')
    .addHelpText('after', help)
    .showHelpAfterError('(hems --help, or hems COMMAND --help)')
    .exitOverride();
  const one = called !== undefined && Object.hasOwn(commands, called) ? commands[called] : undefined;
  for (const load of one === undefined ? Object.values(commands) : [one]) (await load())(hems);
  inheritExitOverride(hems);
  return hems;
}

/** Every command answers a wrong command line with exit code 2, the deepest ones included. */
function inheritExitOverride(command: Command): void {
  for (const child of command.commands) {
    child.exitOverride();
    inheritExitOverride(child);
  }
}

/** A fault that a user can cause is one or two lines; anything else is our defect and shows its stack. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  const known = asFailure(error);
  if (known !== undefined) {
    const cause = known.cause.split('\n').map((line) => printable(line, 1000));
    const remedy = known.remedy === undefined ? '' : `\n  → ${printable(known.remedy, 1000)}`;
    process.stderr.write(`hems: ${cause.join('\n')}${remedy}\n`);
    return known.code;
  }
  process.stderr.write(
    `hems: internal error, please report it\n${error instanceof Error ? error.stack : String(error)}\n`,
  );
  return 70;
}

/** Runs the command line of this process; answers its exit code. */
export async function runProgram(argv: readonly string[]): Promise<number | undefined> {
  // A reader that goes away ("| head", a closed terminal) is no reason to break off in the middle of something.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  try {
    await (await program(argv[2])).parseAsync(argv);
    return undefined;
  } catch (error) {
    return report(error);
  }
}
