import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { createDevelopmentPki, type DevelopmentPki } from '../../src/simulator/development-pki.ts';
import { type DeviceOrder, issueDevice } from '../../src/simulator/device-certificates.ts';
import { createFemtocell, deviceIdOf, type Femtocell, type FemtocellOptions } from '../../src/simulator/femtocell.ts';
import { type FakeAcs, fakeAcs } from './fake-acs.ts';

/* A development PKI, ACSes and femtocells for the tests of one file; all ends with it. */

const root = mkdtempSync(join(tmpdir(), 'hems-cell-'));
const at = new Date();
const identity = '00a0bc123456.hnb.acme.example';
export let pki: DevelopmentPki;
let open: FakeAcs[] = [];

before(async () => {
  pki = await createDevelopmentPki(join(root, 'pki'), at);
});
after(async () => {
  await Promise.all(open.map((acs) => acs.close()));
  rmSync(root, { recursive: true, force: true });
});

export async function start(
  ...args: Parameters<typeof fakeAcs> extends [unknown, ...infer Rest] ? Rest : never
): Promise<FakeAcs> {
  const acs = await fakeAcs(pki, ...args);
  open = [...open, acs];
  return acs;
}

export async function cell(
  acs: FakeAcs,
  options: Partial<FemtocellOptions> = {},
  order: Partial<DeviceOrder> = {},
): Promise<Femtocell> {
  const device = await issueDevice({ pki, anchor: 'acme', identity, key: 'ec', at, ...order });
  return createFemtocell({
    url: acs.url,
    ca: device.ca,
    credentials: device,
    deviceId: deviceIdOf(identity, 'Acme Femto'),
    timeoutMs: 5000,
    ...options,
  });
}
