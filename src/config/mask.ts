import { stringify } from 'yaml';
import type { z } from 'zod';
import { type Config, configSchema } from './schema.ts';
import { bare, elementOf, shapeOf } from './schema-faults.ts';
import { isDuration } from './value-schemas.ts';

const hidden = '***';

/** The same configuration with the secrets hidden; for people and logs. */
export function maskSecrets(config: Config): Config {
  const { url } = config.database;
  return {
    ...config,
    ...(url !== undefined && { database: { ...config.database, url: maskUrl(url) } }),
    ...(config.secretKey !== undefined && { secretKey: hidden }),
  };
}

function maskUrl(url: string): string {
  const parsed = URL.parse(url);
  // What cannot be read cannot be cut with care; an "@" in the path is the end of a password that was not encoded.
  if (parsed === null || /@|%40/i.test(parsed.pathname)) return hidden;
  if (parsed.password !== '') parsed.password = hidden;
  for (const key of [...parsed.searchParams.keys()])
    if (/password|secret|token/i.test(key)) parsed.searchParams.set(key, hidden);
  return parsed.href;
}

/** The effective configuration as YAML that `loadConfig` reads again (but for the hidden secrets). */
export function printConfig(config: Config): string {
  return stringify(written(maskSecrets(config), configSchema), { lineWidth: 0 });
}

/** Durations as people write them; everything else as it is. */
function written(value: unknown, schema: z.core.$ZodType | undefined): unknown {
  if (schema === undefined) return value;
  if (typeof value === 'number' && isDurationPart(schema)) return durationText(value);
  if (Array.isArray(value)) return value.map((entry) => written(entry, elementOf(schema)));
  if (typeof value !== 'object' || value === null) return value;
  const shape = shapeOf(schema);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, written(part, shape?.[key])]));
}

function isDurationPart(schema: z.core.$ZodType): boolean {
  const inner = (schema._zod.def as { innerType?: z.core.$ZodType }).innerType;
  return isDuration(schema) || (inner !== undefined && isDurationPart(inner)) || isDuration(bare(schema));
}

export function durationText(milliseconds: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const;
  const [unit, size] = units.find(([, length]) => milliseconds % length === 0) ?? ['ms', 1];
  return `${milliseconds / size}${unit}`;
}
