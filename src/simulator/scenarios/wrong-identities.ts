import { deviceIdOf } from '../femtocell.ts';
import { basicCredentials, refused } from './bad-certificates.ts';
import { type Cast, known, type Role, perform, role, stage } from './cast.ts';
import { admitted } from './good-devices.ts';
import type { DeviceToAdd, Scenario } from './scenario.ts';

/** Good certificates of devices that are not who they should be, or do not do what they should. */
export function wrongIdentityScenarios(cast: Cast): Scenario[] {
  return [
    twoIdentities(cast),
    foreignRealm(cast),
    simple('unknown-device', 'A device the operator does not know', role(cast, 'acme'), [], 'device_unknown'),
    blocked(cast),
    retired(cast),
    replaced(cast),
    conflict(cast),
    mismatch(cast),
    newKey(cast),
    basicOnTop(cast),
  ];
}

function simple(name: string, title: string, device: Role, prepare: readonly DeviceToAdd[], reason: string): Scenario {
  return {
    name,
    title,
    prepare,
    steps: [refused('Inform', reason)],
    run: async (context) => [await perform(await stage(context, device))],
  };
}

function twoIdentities(cast: Cast): Scenario {
  const device = role(cast, 'acme');
  return {
    name: 'two-identities',
    title: 'A certificate that names two devices',
    prepare: known(device),
    steps: [refused('Inform', 'identity_ambiguous')],
    run: async (context) => [await perform(await stage(context, device, { faults: ['two-identities'] }))],
  };
}

/** Acme's CA names a device of Zenith's realm, and Zenith's device exists. */
function foreignRealm(cast: Cast): Scenario {
  const victim = role(cast, 'zenith');
  return simple(
    'foreign-realm',
    'A realm its CA may not speak for',
    { anchor: 'acme', identity: victim.identity },
    known(victim),
    'realm_not_permitted',
  );
}

function blocked(cast: Cast): Scenario {
  const device = role(cast, 'zenith');
  return simple('blocked', 'A blocked device', device, [{ identities: [device], blocked: true }], 'device_blocked');
}

function retired(cast: Cast): Scenario {
  const device = role(cast, 'acme');
  const prepare: DeviceToAdd[] = [{ identities: [device], retired: true }];
  return simple('retired', 'A scrapped device that comes back', device, prepare, 'device_retired');
}

function replaced(cast: Cast): Scenario {
  const [device, successor] = [role(cast, 'acme'), role(cast, 'acme')];
  return {
    name: 'replaced',
    title: 'A replaced device, and its successor',
    prepare: [{ identities: [successor] }, { identities: [device], replacedBy: successor.identity }],
    steps: [refused('the old one', 'device_blocked'), admitted('the new one')],
    run: async (context) => [
      await perform(await stage(context, device)),
      await perform(await stage(context, successor)),
    ],
  };
}

function conflict(cast: Cast): Scenario {
  const owner = role(cast, 'acme');
  const claimant = role(cast, 'acme');
  return {
    name: 'serial-conflict',
    title: 'Another device’s serial number claimed',
    prepare: known(owner, claimant),
    // CERT-26: fault 8001 and close.
    steps: [admitted('the owner'), refused('the claimant', 'identity_conflict', { fault: 8001 })],
    run: async (context) => {
      const first = await perform(await stage(context, owner));
      const deviceId = deviceIdOf(owner.identity, 'Acme Femto');
      return [first, await perform(await stage(context, claimant), { deviceId })];
    },
  };
}

function mismatch(cast: Cast): Scenario {
  const device = role(cast, 'zenith');
  return {
    name: 'serial-mismatch',
    title: 'A changed serial number',
    prepare: known(device),
    steps: [admitted('first contact'), refused('the change', 'identity_mismatch', { fault: 8001 })],
    run: async (context) => {
      const cell = await stage(context, device);
      const first = await perform(cell);
      const deviceId = { ...cell.options.deviceId, serialNumber: `${cell.options.deviceId.serialNumber}X` };
      return [first, await perform(cell, { deviceId })];
    },
  };
}

function newKey(cast: Cast): Scenario {
  const device = role(cast, 'acme');
  return {
    name: 'new-key',
    title: 'A new key of a known device',
    prepare: known(device),
    steps: [admitted('the known key'), refused('the new key', 'key_held')],
    run: async (context) => [await perform(await stage(context, device)), await perform(await stage(context, device))],
  };
}

function basicOnTop(cast: Cast): Scenario {
  const device = role(cast, 'acme');
  return {
    name: 'basic-on-top',
    title: 'HTTP Basic on top of a certificate',
    prepare: known(device),
    steps: [refused('Inform', 'shared_secret_attempt', { http: 403 })],
    run: async (context) => [await perform(await stage(context, device), { authorization: basicCredentials })],
  };
}
