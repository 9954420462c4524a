import { Writable } from 'node:stream';
import { styleText } from 'node:util';
import { type Level, type Logger, pino } from 'pino';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { visibleJson } from './json-text.ts';
import { scrubbed } from './log-scrubbing.ts';
import { hemsVersion } from './version.ts';

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

/** A registry of its own (nothing global), with the figures of the Node process unless told not to. */
export function createMetrics(options: { process?: boolean } = {}): Registry {
  const registry = new Registry();
  if (options.process !== false) collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'hems_build_info',
    help: 'Always 1; which hems runs, and on which Node',
    labelNames: ['version', 'node'] as const,
    registers: [registry],
  }).set({ version: hemsVersion, node: process.versions.node }, 1);
  return registry;
}
