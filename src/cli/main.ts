import { Command, CommanderError } from 'commander';
import { addConfigCommands } from './config-command.ts';
import { addDemoCommand } from './demo-command.ts';
import { addDeviceCommands } from './device-command.ts';
import { addEventsCommand } from './events-command.ts';
import { exitCodes, isFailure } from './failure.ts';
import { addMigrateCommand } from './migrate-command.ts';
import { addPkiCommands } from './pki-command.ts';
import { addServeCommand } from './serve-command.ts';
import { addSimulateCommand } from './simulate-command.ts';
import { printable } from './terminal.ts';

const help = `
Exit codes:
  0  done
  1  the answer is no: refused, not found, not as expected
  2  the command line or the configuration is wrong
  3  something it needs is missing: a port, a file, the database

Environment: HEMS_CONFIG, HEMS_DATA_DIR, DATABASE_URL, HEMS_CWMP_PORT, HEMS_MANAGEMENT_PORT, HEMS_LOG_LEVEL (see README)`;

function program(): Command {
  const hems = new Command('hems')
    .description('H(e)MS of 3GPP TS 33.320: a TR-069 ACS that admits femtocells by certificate and by nothing else')
    .addHelpText('after', help)
    .showHelpAfterError('(hems --help, or hems COMMAND --help)')
    .exitOverride();
  for (const add of [
    addServeCommand,
    addDemoCommand,
    addSimulateCommand,
    addMigrateCommand,
    addConfigCommands,
    addPkiCommands,
    addDeviceCommands,
    addEventsCommand,
  ])
    add(hems);
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
  if (isFailure(error)) {
    const remedy = error.remedy === undefined ? '' : `\n  → ${printable(error.remedy, 1000)}`;
    process.stderr.write(`hems: ${printable(error.cause, 1000)}${remedy}\n`);
    return error.code;
  }
  process.stderr.write(
    `hems: internal error, please report it\n${error instanceof Error ? error.stack : String(error)}\n`,
  );
  return 70;
}

try {
  await program().parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
