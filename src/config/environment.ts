import { readFileSync } from 'node:fs';
import { type ConfigFault, nearest } from './fault.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment sets, by key of the configuration. */
export interface EnvironmentSettings {
  readonly file?: string;
  readonly dataDir?: string;
  readonly databaseUrl?: string;
  readonly cwmpPort?: number;
  readonly managementPort?: number;
  readonly logLevel?: string;
  readonly workers?: number | 'auto';
  readonly secretKey?: string;
  readonly faults: readonly ConfigFault[];
  readonly warnings: readonly ConfigFault[];
}

const known = [
  'HEMS_CONFIG',
  'HEMS_DATA_DIR',
  'DATABASE_URL',
  'DATABASE_URL_FILE',
  'HEMS_CWMP_PORT',
  'HEMS_MANAGEMENT_PORT',
  'HEMS_LOG_LEVEL',
  'HEMS_WORKERS',
  'HEMS_SECRET_KEY',
  'HEMS_SECRET_KEY_FILE',
  // Of the command line, where it works over the API of a server.
  'HEMS_SERVER',
  'HEMS_API_KEY_FILE',
  'HEMS_CLIENT_CERTIFICATE',
  'HEMS_CLIENT_KEY',
  'HEMS_SERVER_CA',
] as const;

/** Kubernetes sets these in every pod beside a Service named `hems`; HEMS_TEST_ belongs to the tests. */
const foreign = /^HEMS_(SERVICE_|PORT$|PORT_\d|TEST_)/;

export function readEnvironment(env: Environment): EnvironmentSettings {
  const faults: ConfigFault[] = [];
  const warnings: ConfigFault[] = [];
  reportUnknown(env, faults, warnings);
  // A compose file that passes a variable through leaves it empty when it is not set.
  const text = (name: (typeof known)[number]): string | undefined => (env[name] === '' ? undefined : env[name]);
  const settings = {
    file: text('HEMS_CONFIG'),
    dataDir: text('HEMS_DATA_DIR'),
    databaseUrl: secret('DATABASE_URL', text('DATABASE_URL'), text('DATABASE_URL_FILE'), faults),
    cwmpPort: port('HEMS_CWMP_PORT', text('HEMS_CWMP_PORT'), faults),
    managementPort: port('HEMS_MANAGEMENT_PORT', text('HEMS_MANAGEMENT_PORT'), faults),
    logLevel: text('HEMS_LOG_LEVEL'),
    workers: workers('HEMS_WORKERS', text('HEMS_WORKERS'), faults),
    secretKey: secret('HEMS_SECRET_KEY', text('HEMS_SECRET_KEY'), text('HEMS_SECRET_KEY_FILE'), faults),
  };
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), faults, warnings };
}

function reportUnknown(env: Environment, faults: ConfigFault[], warnings: ConfigFault[]): void {
  for (const name of Object.keys(env)) {
    if (!name.startsWith('HEMS_') || foreign.test(name) || known.some((k) => k === name)) continue;
    const meant = nearest(name, known);
    if (meant === undefined)
      warnings.push({
        key: name,
        cause: 'hems knows no such environment variable',
        remedy: `known are ${known.join(', ')}`,
      });
    // A misspelt setting that is passed over would leave the default in force without a word.
    else faults.push({ key: name, cause: 'hems knows no such environment variable', remedy: `did you mean ${meant}?` });
  }
}

function port(name: string, text: string | undefined, faults: ConfigFault[]): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  faults.push({
    key: name,
    cause: `${JSON.stringify(text)} is no port`,
    remedy: 'write a number from 0 (any free one) to 65535',
  });
  return undefined;
}

/** How many are too many is the schema's business. */
function workers(name: string, text: string | undefined, faults: ConfigFault[]): number | 'auto' | undefined {
  if (text === undefined || text === 'auto') return text;
  if (/^\d{1,5}$/.test(text)) return Number(text);
  faults.push({
    key: name,
    cause: `${JSON.stringify(text)} is no number of processes`,
    remedy: 'write a number from 1, or auto: one for each core',
  });
  return undefined;
}

/** A secret comes from the variable itself or, as containers mount them, from the file that NAME_FILE names. */
function secret(
  name: string,
  value: string | undefined,
  file: string | undefined,
  faults: ConfigFault[],
): string | undefined {
  if (file === undefined) return value;
  const key = `${name}_FILE`;
  if (value !== undefined) {
    faults.push({ key, cause: `${name} is set as well`, remedy: 'set only one of the two' });
    return undefined;
  }
  try {
    const content = readFileSync(file, 'utf8').trim();
    if (content !== '') return content;
    faults.push({ key, cause: `${file} is empty`, remedy: `write the value of ${name} into it` });
  } catch (error) {
    faults.push({
      key,
      cause: `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      remedy: 'check the path and who may read it',
    });
  }
  return undefined;
}
