import { readFileSync } from 'node:fs';

/** Of the package that runs; `0.0.0` where its package.json is not there. */
export const hemsVersion: string = readVersion();

function readVersion(): string {
  try {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    return String((JSON.parse(text) as { version?: unknown }).version ?? '0.0.0');
  } catch {
    return '0.0.0';
  }
}
