import type { Standing } from '../fleet/admission-records.ts';
import { type DeviceState, stateRefusals } from '../fleet/device.ts';
import type { DeviceIdentity } from '../fleet/identity.ts';
import { chainIdOf, shownCertificate } from '../fleet/shown-certificate.ts';
import type { CertificatePath } from '../x509/path.ts';
import type { HandshakeFacts } from './admission.ts';
import type { TrustAnchor } from './anchors.ts';
import { type Judge, type Judgement, type Refused, refusal } from './judgement.ts';
import type { DeviceDetail } from './refusal-details.ts';
import type { Verdict } from './verdict.ts';

/** The register's say: the device's state and the certificate's key; at first contact the anchor's registration mode. */
export async function judgeDevice(client: Client, resumed: boolean): Promise<Judgement> {
  const { judge, path } = client;
  // A resumed session shows no chain that could have changed.
  const chainId = resumed ? null : chainIdOf(path);
  const under = enrolmentAnchors(client);
  const ask = () => judge.records.find(client.identity, Buffer.from(path.leaf.fingerprint, 'hex'), chainId, under);
  const standing = await ask();
  if (standing !== undefined) return judgeStanding(client, standing);
  const refused = await register(client);
  if (refused !== undefined) return refusal(refused);
  const registered = await ask();
  return registered === undefined ? unknown(client, 'not_registered') : judgeStanding(client, registered);
}

/** Asked only where the anchor's identities lose their worth once the device is enrolled. */
function enrolmentAnchors({ judge, anchor }: Client): readonly string[] | undefined {
  if (anchor.afterEnrolment === 'accept') return undefined;
  return judge.anchors.filter(({ kind }) => kind === 'operator').map(({ name }) => name);
}

/** TS 33.320 7.2.2: once enrolled to the operator's PKI, the device has no need of the manufacturer's identity. */
function isSuperseded({ anchor, role }: Client, { enrolled }: Standing): boolean {
  if (!enrolled || anchor.afterEnrolment === 'accept') return false;
  return anchor.afterEnrolment === 'refuse' || role !== 'initial';
}

export interface Client {
  readonly role: HandshakeFacts['role'];
  readonly judge: Judge;
  readonly anchor: TrustAnchor;
  readonly path: CertificatePath;
  readonly identity: DeviceIdentity;
  readonly verdict: Verdict;
}

function unknown(client: Client, detail: DeviceDetail): Judgement {
  return refusal(unknownDevice(client, detail));
}

function unknownDevice({ identity, path: { leaf } }: Client, detail: DeviceDetail): Refused {
  return { stage: 'device', reason: 'device_unknown', detail, peer: 'trusted-chain', identity, leaf };
}

/** Makes a record where the anchor's registration mode says so; else, and beyond its limits, the reason why not. */
async function register(client: Client): Promise<Refused | undefined> {
  const { judge, anchor, identity, path } = client;
  const { registration: mode, autoRegistration } = anchor;
  if (mode === 'known-only') return unknownDevice(client, 'not_registered');
  if (mode === 'auto' && !autoRegistration.ouis.has(identity.oui)) return unknownDevice(client, 'oui_not_listed');
  const rule = { mode, perHour: autoRegistration.perHour };
  const made = await judge.records.register(identity, shownCertificate(path), rule);
  return made.kind === 'rate' ? unknownDevice(client, 'registration_rate') : undefined;
}

const stateDetails: Readonly<Partial<Record<DeviceState, DeviceDetail>>> = {
  quarantined: 'awaits_approval',
  blocked: 'blocked',
  retired: 'retired',
};

function stateDetail({ state, replaced }: Standing): string {
  return state === 'blocked' && replaced ? 'replaced' : (stateDetails[state] ?? 'unspecified');
}

async function judgeStanding(client: Client, standing: Standing): Promise<Judgement> {
  const { judge, anchor, path, identity, verdict } = client;
  const { deviceId, state } = standing;
  const known = { peer: 'known', identity, deviceId, leaf: path.leaf } as const;
  const reason = stateRefusals[state];
  if (reason !== undefined) return refusal({ stage: 'device', reason, detail: stateDetail(standing), ...known });
  if (isSuperseded(client, standing))
    return refusal({ stage: 'device', reason: 'identity_superseded', detail: 'enrolled_with_operator', ...known });
  const keyDetail = await judgeKey(client, standing);
  if (keyDetail !== undefined) return refusal({ stage: 'device', reason: 'key_held', detail: keyDetail, ...known });
  if (standing.certificate !== undefined && standing.chainChanged)
    await judge.records.rememberChain(deviceId, shownCertificate(path));
  return { ok: true, deviceId, identity, path, sharedSecret: anchor.sharedSecret, verdict };
}

/** Why the certificate's key is not let in; undefined when it is. */
async function judgeKey(client: Client, standing: Standing): Promise<DeviceDetail | undefined> {
  switch (standing.certificate) {
    case 'approved':
      return undefined;
    case 'held':
      return 'key_awaits_approval';
    case 'refused':
      return 'key_turned_away';
    case undefined:
      return judgeNewCertificate(client, standing.deviceId);
  }
}

async function judgeNewCertificate(client: Client, deviceId: string): Promise<DeviceDetail | undefined> {
  const { judge, anchor, path, identity } = client;
  const decision = await judge.records.rememberCertificate(deviceId, identity, shownCertificate(path), anchor.onNewKey);
  switch (decision) {
    case 'approved':
      return undefined;
    case 'held':
      return 'new_key';
    case 'refused':
      return anchor.onNewKey === 'refuse' ? 'new_key_refused' : 'key_turned_away';
  }
}
