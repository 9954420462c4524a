import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCrlLoader } from '../../src/trust/crl-loading.ts';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { type CertificateList, lookUp } from '../../src/x509/crl.ts';

/** Loads the CRL of a folder once, as a server would, and prints what it cost. Times in milliseconds, look-ups in µs. */
export interface CrlLoading {
  readonly wall: number;
  /** Longest time that the event loop came later than it should, while loading and while idle. */
  readonly stall: number;
  readonly idleStall: number;
  /** Bytes. */
  readonly kept: number;
  readonly hit: number;
  readonly miss: number;
}

function residentBytes(): number {
  const pages = Number(readFileSync('/proc/self/statm', 'latin1').split(' ')[1]);
  return pages * 4096;
}

/** The longest time that a timer of a millisecond was late while something went on. */
async function stallOf(work: () => Promise<unknown>): Promise<number> {
  let last = performance.now();
  let stall = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    stall = Math.max(stall, now - last - 1);
    last = now;
  }, 1);
  await work();
  clearInterval(timer);
  return stall;
}

/** Microseconds a look-up: the lower quartile of batches, each over other serial numbers than the last. */
function lookUpTime({ entries: list, issuer }: CertificateList, serials: readonly string[], found: boolean): number {
  const batch = 1000;
  const times: number[] = [];
  for (let round = 0; round < 5; round++)
    for (let from = 0; from < serials.length; from += batch) {
      const start = performance.now();
      for (let i = from; i < from + batch; i++)
        if ((lookUp(list, serials[i] as string, issuer) !== undefined) !== found) throw new Error('a look-up is wrong');
      times.push(((performance.now() - start) * 1000) / batch);
    }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 4)] ?? Number.NaN;
}

/** Another last digit: none of these is listed, but for a chance of one in 2^100. */
const missing = (serial: string): string => `${serial.slice(0, -1)}${serial.endsWith('0') ? '1' : '0'}`;

async function load(folder: string): Promise<CrlLoading> {
  const signers = [parseCertificate(readFileSync(join(folder, 'ca.der')))];
  const serials = JSON.parse(readFileSync(join(folder, 'serials.json'), 'utf8')) as string[];
  const loader = createCrlLoader();
  // What only the first load of a server pays, not every one.
  await stallOf(() => sleep(50));
  const before = residentBytes();
  const start = performance.now();
  let wall = 0;
  let crl: CertificateList | undefined;
  const stall = await stallOf(async () => {
    const result = await loader.load({ path: join(folder, 'big.crl') }, { signers });
    wall = performance.now() - start;
    if (!result.ok) throw new Error(result.detail);
    crl = result.crl;
  });
  if (crl === undefined || ![...crl.signature.verdicts.values()].includes('good'))
    throw new Error('the signature must be good');
  const idleStall = await stallOf(() => sleep(wall));
  const kept = residentBytes() - before;
  const hit = lookUpTime(crl, serials, true);
  return { wall, stall, idleStall, kept, hit, miss: lookUpTime(crl, serials.map(missing), false) };
}

process.stdout.write(JSON.stringify(await load(process.argv[2] ?? '.')));
