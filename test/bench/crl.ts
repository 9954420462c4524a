import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { peer } from '../support/peers.ts';
import { keyNumber, mint } from '../x509/minting.ts';
import { caExtensions } from '../x509/minting-extensions.ts';
import { bigCrl } from './big-crl.ts';
import type { CrlLoading } from './crl-load.ts';
import { median, type Row } from './row.ts';

const entries = 1_000_000;
const rounds = 3;
const megabyte = 1024 * 1024;

/** `openssl crl` on the same file, in milliseconds: it reads the list, and verifies nothing. */
function opensslOnce(program: string, path: string): number {
  const start = performance.now();
  const run = spawnSync(program, ['crl', '-noout', '-inform', 'DER', '-in', path]);
  if (run.status !== 0) throw new Error(run.stderr.toString());
  return performance.now() - start;
}

/** Loads it in a process of its own, whose memory is nobody else's. */
function loadOnce(folder: string): CrlLoading {
  const program = join(import.meta.dirname, 'crl-load.ts');
  const run = spawnSync(process.execPath, [program, folder], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(run.stderr);
  return JSON.parse(run.stdout) as CrlLoading;
}

function measure(folder: string): Row[] {
  const openssl = peer('openssl');
  const ours: CrlLoading[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    ours.push(loadOnce(folder));
    if (openssl !== undefined) theirs.push(opensslOnce(openssl, join(folder, 'big.crl')));
  }
  const of = (what: keyof CrlLoading): number => median(ours.map((one) => one[what]));
  const their = median(theirs);
  const milliseconds = (value: number): string => `${value.toFixed(value < 100 ? 1 : 0)} ms`;
  const microseconds = (value: number): string => `${value.toFixed(2)} µs`;
  return [
    { name: 'openssl crl -noout', value: openssl ? milliseconds(their) : 'not there', note: 'reads, verifies nothing' },
    {
      name: 'load and verify, in a thread',
      value: milliseconds(of('wall')),
      ratio: openssl ? `${(of('wall') / their).toFixed(2)} ×` : '',
      note: 'at most 1 × openssl; aim half',
    },
    { name: 'memory added', value: `${(of('kept') / megabyte).toFixed(0)} MB`, note: 'under 64 MB' },
    { name: 'longest stall of the event loop', value: milliseconds(of('stall')), note: 'under 20 ms' },
    { name: 'the same with nothing to do', value: milliseconds(of('idleStall')), note: 'what the machine adds' },
    { name: 'look-up, listed', value: microseconds(of('hit')), note: 'under 1 µs' },
    { name: 'look-up, not listed', value: microseconds(of('miss')), note: 'under 1 µs' },
  ];
}

export async function benchCrl(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'hems-bench-crl-'));
  try {
    const ca = mint({ subject: 'O=Acme/CN=Big', key: keyNumber(0), extensions: caExtensions() });
    const big = bigCrl(entries, ca);
    writeFileSync(join(folder, 'big.crl'), big.der);
    writeFileSync(join(folder, 'ca.der'), ca.der);
    writeFileSync(join(folder, 'serials.json'), JSON.stringify(big.serials));
    return measure(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
