import { Writable } from 'node:stream';
import { styleText } from 'node:util';
import { type Level, type Logger, pino } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { visibleJson } from './json-text.ts';
import { scrubbed } from './log-scrubbing.ts';
import { hemsVersion } from './version.ts';
import { type AcrossWorkers, hostGauge } from './host-gauge.ts';

export type LogLevel = Level | 'silent';

/**
 * JSON, one line an entry, into a pipe or file; short lines where `stream` is a terminal. What strangers wrote is
 * escaped either way.
 */
export function createLogger(level: LogLevel, stream: NodeJS.WritableStream = process.stderr): Logger {
  const terminal = (stream as { isTTY?: boolean }).isTTY === true;
  const out = terminal
    ? shortLines(stream)
    : { write: (line: string) => void stream.write(visibleJson(scrubbed(line))) };
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // A secret that slips into a log object by mistake stays out of the log.
      serializers: { err: errorFields },
      redact: { paths: [...secretKeys, ...secretKeys.map((key) => `*.${key}`)], censor: '[hidden]' },
    },
    out,
  );
}

const secretKeys = [
  'password',
  'authorization',
  'secret',
  'secretKey',
  'privateKey',
  'passphrase',
  'cookie',
  'token',
  'apiKey',
];

/** Errors carry what they happened to, connections with their settings included; of that the log gets nothing. */
function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, stack, cause } = error;
  const { code } = error as NodeJS.ErrnoException;
  return {
    type: name,
    message,
    ...(code !== undefined && { code }),
    ...(cause instanceof Error && { cause: cause.message }),
    stack,
  };
}

const colours = { fatal: 'red', error: 'red', warn: 'yellow', info: 'green', debug: 'dim', trace: 'dim' } as const;

/** ESC, NUL, CR, LF, bidi controls and the like could redraw a terminal or forge a line. */
function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu,
    (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

function field([key, value]: [string, unknown]): string {
  if (key === 'err' && typeof value === 'object' && value !== null && 'message' in value)
    return `${key}=${JSON.stringify(value.message)}`;
  return `${key}=${typeof value === 'string' && /^[\w.:/@-]+$/.test(value) ? value : JSON.stringify(value)}`;
}

/** One pino JSON line as a short line for people: time, level, message, fields. */
export function shortLine(json: string): string {
  const { time, level, msg, ...rest } = JSON.parse(json) as Record<string, unknown>;
  const name = String(level);
  const colour = colours[name as keyof typeof colours] ?? 'dim';
  const fields = Object.entries(rest).map(field).join(' ');
  return [
    styleText('dim', String(time).slice(11, 23), { validateStream: false }),
    styleText(colour, name.padEnd(5), { validateStream: false }),
    visible(String(msg ?? '')),
    styleText('dim', visible(fields), { validateStream: false }),
  ].join(' ');
}

function shortLines(stream: NodeJS.WritableStream): Writable {
  return new Writable({
    decodeStrings: false,
    write: (chunk, _encoding, done) => {
      for (const line of String(chunk).split('\n').filter(Boolean)) stream.write(`${shortLine(scrubbed(line))}\n`);
      done();
    },
  });
}

/**
 * What the figures of Node make together where several processes are one target. Of the event loop the slowest one
 * counts, of files the process that is nearest to its own limit.
 */
export const nodeGauges: Readonly<Record<string, AcrossWorkers>> = {
  process_start_time_seconds: 'min',
  process_resident_memory_bytes: 'sum',
  process_virtual_memory_bytes: 'sum',
  process_heap_bytes: 'sum',
  process_open_fds: 'max',
  process_max_fds: 'min',
  nodejs_eventloop_lag_seconds: 'max',
  nodejs_eventloop_lag_min_seconds: 'min',
  nodejs_eventloop_lag_max_seconds: 'max',
  nodejs_eventloop_lag_mean_seconds: 'max',
  nodejs_eventloop_lag_stddev_seconds: 'max',
  nodejs_eventloop_lag_p50_seconds: 'max',
  nodejs_eventloop_lag_p90_seconds: 'max',
  nodejs_eventloop_lag_p99_seconds: 'max',
  nodejs_active_resources: 'sum',
  nodejs_active_resources_total: 'sum',
  nodejs_active_handles: 'sum',
  nodejs_active_handles_total: 'sum',
  nodejs_active_requests: 'sum',
  nodejs_active_requests_total: 'sum',
  nodejs_heap_size_total_bytes: 'sum',
  nodejs_heap_size_used_bytes: 'sum',
  nodejs_external_memory_bytes: 'sum',
  nodejs_heap_space_size_total_bytes: 'sum',
  nodejs_heap_space_size_used_bytes: 'sum',
  nodejs_heap_space_size_available_bytes: 'sum',
  nodejs_version_info: 'first',
};

function collectNodeMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const [name, aggregator] of Object.entries(nodeGauges)) {
    const metric = registry.getSingleMetric(name) as { aggregator?: string } | undefined;
    if (metric !== undefined) metric.aggregator = aggregator;
  }
}

/** A registry of its own (nothing global), with the figures of the Node process unless told not to. */
export function createMetrics(options: { process?: boolean } = {}): Registry {
  const registry = new Registry();
  if (options.process !== false) collectNodeMetrics(registry);
  hostGauge({
    name: 'hems_build_info',
    help: 'Always 1; which hems runs, and on which Node',
    aggregator: 'first',
    labelNames: ['version', 'node'] as const,
    registers: [registry],
  }).set({ version: hemsVersion, node: process.versions.node }, 1);
  return registry;
}
