import { randomBytes } from 'node:crypto';
import { runSession } from './cwmp-session.ts';
import { type DeviceFault, deviceFaults } from './device-certificates.ts';
import { createFemtocell, type Femtocell } from './femtocell.ts';
import { sendHello, sendPlainHttp, sendRaw } from './raw-client.ts';
import { basicCredentials } from './scenarios/bad-certificates.ts';
import { type Observation, ofRaw, ofSession } from './scenarios/scenario.ts';
import type { SessionOptions } from './session-report.ts';

/** One way of misbehaving, on every call. Certificate faults are minted, not acted: see `certificateFault`. */
type Misbehaviour = (cell: Femtocell) => Promise<Observation>;

const acting =
  (options: (cell: Femtocell) => SessionOptions): Misbehaviour =>
  async (cell) =>
    ofSession(await runSession(cell, options(cell)));

const withSerial = (cell: Femtocell, serialNumber: string): SessionOptions => ({
  deviceId: { ...cell.options.deviceId, serialNumber },
});

const billionLaughs =
  '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><l>&b;</l>';

const misbehaviours = {
  /** Shows no certificate. */
  'no-certificate': async (cell) => {
    const { credentials: _, ...bare } = cell.options;
    return ofSession(await runSession(createFemtocell(bare)));
  },
  /** Sends a user name and a password on top of its certificate. */
  basic: acting(() => ({ authorization: basicCredentials })),
  /** All such devices claim one serial number. */
  'same-serial': acting((cell) => withSerial(cell, 'SAME')),
  /** Claims another serial number in every session. */
  'changing-serial': acting((cell) => withSerial(cell, randomBytes(6).toString('hex'))),
  /** Hangs up after InformResponse. */
  abandon: acting(() => ({ abandon: true })),
  'not-xml': acting(() => ({ firstMessage: 'Good morning' })),
  doctype: acting(() => ({ firstMessage: billionLaughs })),
  'huge-header': acting(() => ({ headers: [['X-Filler', 'x'.repeat(200_000)]] })),
  'rc4-only': async ({ options }) => ofRaw(await sendHello(options.url, 'rc4-only')),
  'null-only': async ({ options }) => ofRaw(await sendHello(options.url, 'null-only')),
  'tls1.0': async ({ options }) => ofRaw(await sendHello(options.url, 'tls1.0')),
  'plain-http': async ({ options }) => ofRaw(await sendPlainHttp(options.url)),
  garbage: async ({ options }) => ofRaw(await sendRaw(options.url, randomBytes(300))),
  /** Connects, and says nothing for as long as the ACS bears it (at most a minute). */
  silent: async ({ options }) => ofRaw(await sendRaw(options.url, Buffer.alloc(0), 60_000)),
} as const satisfies Record<string, Misbehaviour>;

export type MisbehaviourName = keyof typeof misbehaviours | DeviceFault;

export const misbehaviourNames: readonly MisbehaviourName[] = [
  ...(Object.keys(misbehaviours) as (keyof typeof misbehaviours)[]),
  ...deviceFaults,
];

/** The fault to mint into the certificate of a device that misbehaves so, if it is one of the certificate. */
export function certificateFault(name: MisbehaviourName): DeviceFault | undefined {
  return deviceFaults.find((fault) => fault === name);
}

/** One call of a device that misbehaves. */
export function misbehave(name: MisbehaviourName, cell: Femtocell): Promise<Observation> {
  if (Object.hasOwn(misbehaviours, name)) return misbehaviours[name as keyof typeof misbehaviours](cell);
  return runSession(cell).then(ofSession);
}
