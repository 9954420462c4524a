import type { Command } from 'commander';

/** Of commands that work beside the database alone. */
export function databaseOptions(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file (default: HEMS_CONFIG, or the embedded database)')
    .option('--data-dir <dir>', 'data directory of the embedded database (default: HEMS_DATA_DIR or ./var)')
    .option('--json', 'for machines');
}

/**
 * Of commands that work beside the database or over the API of a server. Never a key among them: what stands in a
 * command line is read by everybody on the machine.
 */
export function registerOptions(command: Command): Command {
  return databaseOptions(command)
    .option('--server <url>', 'work over the API of this server, not beside the database (default: HEMS_SERVER)')
    .option('--key-file <file>', 'holds the API key (default: HEMS_API_KEY_FILE)')
    .option('--certificate <file>', 'client certificate instead, PEM (default: HEMS_CLIENT_CERTIFICATE)')
    .option('--certificate-key <file>', 'its private key (default: HEMS_CLIENT_KEY)')
    .option('--ca <file>', 'CA of the server’s certificate, PEM (default: HEMS_SERVER_CA, or those that Node trusts)');
}
