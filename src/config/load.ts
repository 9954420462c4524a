import { dirname, resolve } from 'node:path';
import { checkConfig } from './checks.ts';
import { type Environment, type EnvironmentSettings, readEnvironment } from './environment.ts';
import type { ConfigFault } from './fault.ts';
import { type Config, type ConfigInput, configSchema, toolSchema } from './schema.ts';
import { schemaFaults } from './schema-faults.ts';
import { readYamlFile, type YamlFile } from './yaml-file.ts';

export interface LoadOptions {
  /** YAML file; without it the one that HEMS_CONFIG names, or none. */
  readonly file?: string;
  readonly env: Environment;
  /** What holds where file and environment say nothing, e.g. the listeners and anchors of development. */
  readonly defaults?: PartialConfig;
  /** Command-line flags: they win over environment and file. */
  readonly overrides?: PartialConfig;
  /** `tool`: listeners and anchors may be missing. Default `serve`. */
  readonly purpose?: 'serve' | 'tool';
}

/** Any part of what the file may say; lists replace lists. */
export type PartialConfig = {
  readonly [Key in keyof ConfigInput]?: ConfigInput[Key] extends readonly unknown[] | string | undefined
    ? ConfigInput[Key]
    : Partial<ConfigInput[Key]>;
};

export type ConfigResult =
  | {
      readonly ok: true;
      /** Deeply frozen; every path absolute. */
      readonly config: Config;
      /** The file it came from, absolute. */
      readonly file?: string;
      /** Nothing that forbids a start, but probably not meant. */
      readonly warnings: readonly ConfigFault[];
    }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

type Tree = Record<string, unknown>;

/**
 * Defaults, file, environment, overrides; the later wins. Relative paths in the file are meant from the file's folder,
 * others from the working directory. All faults are found in one go, as far as they can be told apart.
 */
export function loadConfig(options: LoadOptions): ConfigResult {
  const environment = readEnvironment(options.env);
  const named = options.file ?? environment.file;
  const file = named === undefined ? undefined : resolve(named);
  const read = file === undefined ? undefined : readYamlFile(file);
  if (isFaults(read)) return { ok: false, faults: [...environment.faults, ...read] };
  const content = read?.content ?? {};
  if (!isTree(content))
    return {
      ok: false,
      faults: [{ key: file ?? '', cause: 'holds no keys and values', remedy: 'see deploy/hems.example.yaml' }],
    };
  const own = file === undefined ? content : anchored(content, dirname(file));
  const merged = merge(withEnvironment(merge({ ...options.defaults }, own), environment), options.overrides ?? {});
  return judge(merged, options, environment, { ...(file !== undefined && { file }), ...(read && { read }) });
}

function judge(
  merged: Tree,
  options: LoadOptions,
  environment: EnvironmentSettings,
  source: { file?: string; read?: YamlFile },
): ConfigResult {
  const schema = options.purpose === 'tool' ? toolSchema : configSchema;
  const parsed = schema.safeParse(merged, { reportInput: true });
  const checked = parsed.success ? checkConfig(parsed.data) : undefined;
  const ambiguous = ambiguousPort(merged, environment);
  const faults = [
    ...environment.faults,
    ...ambiguous,
    ...(parsed.success ? [] : schemaFaults(schema, parsed.error.issues)),
    ...(checked?.faults ?? []),
  ].map((fault) => located(fault, source));
  if (!parsed.success || faults.length > 0) return { ok: false, faults };
  return {
    ok: true,
    config: frozen(anchored(parsed.data, process.cwd()) as Config),
    ...(source.file !== undefined && { file: source.file }),
    warnings: [...environment.warnings, ...(checked?.warnings ?? []).map((warning) => located(warning, source))],
  };
}

function isFaults(read: YamlFile | readonly ConfigFault[] | undefined): read is readonly ConfigFault[] {
  return Array.isArray(read);
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function merge(below: Tree, above: object): Tree {
  const merged = { ...below };
  for (const [key, value] of Object.entries(above)) {
    if (value === undefined) continue;
    const old = merged[key];
    merged[key] = isTree(value) && isTree(old) ? merge(old, value) : value;
  }
  return merged;
}

function withEnvironment(content: Tree, settings: EnvironmentSettings): Tree {
  const above: Tree = {};
  if (settings.dataDir !== undefined) above.dataDir = settings.dataDir;
  if (settings.databaseUrl !== undefined) above.database = { url: settings.databaseUrl };
  if (settings.managementPort !== undefined) above.management = { port: settings.managementPort };
  if (settings.secretKey !== undefined) above.secretKey = settings.secretKey;
  if (settings.workers !== undefined) above.workers = settings.workers;
  if (settings.logLevel !== undefined) above.log = { level: settings.logLevel };
  const listeners = content.listeners;
  if (settings.cwmpPort !== undefined && Array.isArray(listeners) && listeners.length === 1 && isTree(listeners[0]))
    above.listeners = [{ ...listeners[0], port: settings.cwmpPort }];
  return merge(content, above);
}

function ambiguousPort({ listeners }: Tree, { cwmpPort }: EnvironmentSettings): readonly ConfigFault[] {
  if (cwmpPort === undefined || !Array.isArray(listeners) || listeners.length < 2) return [];
  return [
    {
      key: 'HEMS_CWMP_PORT',
      cause: `there are ${listeners.length} listeners, and it does not say which one it means`,
      remedy: 'set listeners[].port in the file instead',
    },
  ];
}

/** The keys that hold paths, made absolute. */
function anchored(tree: Tree, folder: string): Tree {
  const path = (value: unknown): unknown =>
    typeof value === 'string' && value !== '' ? resolve(folder, value) : value;
  const each = (value: unknown, fn: (entry: unknown) => unknown): unknown =>
    Array.isArray(value) ? value.map(fn) : value;
  const within = (value: unknown, change: (entry: Tree) => Tree): unknown =>
    isTree(value) ? { ...value, ...change(value) } : value;
  const pair = (value: unknown): unknown => within(value, (p) => ({ chain: path(p.chain), key: path(p.key) }));
  const changed: Tree = {
    dataDir: path(tree.dataDir),
    audit: within(tree.audit, (a) =>
      a.checkpointFile === undefined ? {} : { checkpointFile: path(a.checkpointFile) },
    ),
    management: within(tree.management, (m) => ({
      ...(m.tls !== undefined && { tls: pair(m.tls) }),
      ...(m.clientCertificates !== undefined && {
        clientCertificates: within(m.clientCertificates, (c) => ({ anchors: each(c.anchors, path) })),
      }),
    })),
    files: within(tree.files, (f) =>
      Object.fromEntries(
        ['directory', 'cacheDirectory'].flatMap((key) => (f[key] === undefined ? [] : [[key, path(f[key])]])),
      ),
    ),
    connectionRequests: within(tree.connectionRequests, (c) =>
      c.certificate === undefined ? {} : { certificate: pair(c.certificate) },
    ),
    anchors: each(tree.anchors, (anchor) => within(anchor, (a) => ({ certificates: each(a.certificates, path) }))),
    listeners: each(tree.listeners, (listener) =>
      within(listener, (l) => ({
        certificates: each(l.certificates, pair),
      })),
    ),
  };
  // A key that is not there stays away: undefined would read as "set, but wrongly".
  return { ...tree, ...Object.fromEntries(Object.entries(changed).filter(([key]) => tree[key] !== undefined)) };
}

function located(fault: ConfigFault, { file, read }: { file?: string; read?: YamlFile }): ConfigFault {
  const path = [...fault.key.matchAll(/[^.[\]]+/g)].map(([part]) => (/^\d+$/.test(part) ? Number(part) : part));
  const line = read?.lineOf(path);
  return line === undefined || file === undefined
    ? fault
    : { ...fault, cause: `${fault.cause} (${file}, line ${line})` };
}

/** The same value, deeply frozen. */
export function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) frozen(part);
  }
  return value;
}
