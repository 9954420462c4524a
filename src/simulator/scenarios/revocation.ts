import { parseCertificate } from '../../x509/certificate.ts';
import { readPem } from '../../x509/pem.ts';
import { mintCrl, type RevokedCertificate } from '../crl-minting.ts';
import { anchorPlans, findAuthority } from '../development-authorities.ts';
import type { DevelopmentPki } from '../development-pki.ts';
import type { Femtocell } from '../femtocell.ts';
import type { RevocationServer } from '../revocation-server.ts';
import { refused } from './bad-certificates.ts';
import { type Cast, createCast, known, perform, role, stage } from './cast.ts';
import { admitted } from './good-devices.ts';
import type { Observation, Scenario, ScenarioContext } from './scenario.ts';

/** What a person at the ACS does in these scenarios; each call resolves when the server knows of it. */
export interface RevocationDesk {
  /** CRLs and OCSP answers of the development PKI. */
  readonly server: RevocationServer;
  /** Makes the policy for these anchors the next version. */
  applyPolicy(anchors: readonly object[]): Promise<void>;
  /** DER. */
  importCrl(der: Uint8Array): Promise<void>;
}

const hour = 3_600_000;

/** One after the other: each sets the policy that it needs. */
export function revocationScenarios(run: number, desk: RevocationDesk): Scenario[] {
  const cast = createCast(run);
  return [revokedByCrl, revokedByOcsp, responderDown, staleCrl, revokedIntermediate].map((make) => make(cast, desk));
}

let issued = 0;

/** A CRL with a higher number than all that were made before, in this run or another. */
function crl(
  { pki }: { readonly pki: DevelopmentPki },
  authority: string,
  at: Date,
  entries: readonly RevokedCertificate[],
  ends = 24 * hour,
): Promise<Buffer> {
  issued += 1;
  const { issuer } = findAuthority(pki.authorities, authority);
  const number = Math.floor(at.getTime() / 1000) * 64 + issued;
  const thisUpdate = new Date(at.getTime() - 60_000 + issued * 1000);
  return mintCrl({ issuer, entries, number, thisUpdate, nextUpdate: new Date(at.getTime() + ends) });
}

function entryOf({ options }: Femtocell, at: Date): RevokedCertificate {
  const [der] = readPem(options.credentials?.chain ?? '', 'CERTIFICATE');
  if (der === undefined) throw new Error('the cell has no certificate');
  return { serialNumber: parseCertificate(der).serialNumber, revokedAt: at, reason: 'keyCompromise' };
}

const uploaded = (more: object = {}) => ({ name: 'acme', sources: [{ kind: 'uploaded-crl' }], ...more });

async function freshCrls(context: ScenarioContext, desk: RevocationDesk, anchor: 'acme' | 'zenith'): Promise<void> {
  const { root, issuing } = anchorPlans[anchor];
  await desk.importCrl(await crl(context, root, context.at, []));
  await desk.importCrl(await crl(context, issuing, context.at, []));
}

function revokedByCrl(cast: Cast, desk: RevocationDesk): Scenario {
  const device = role(cast, 'acme');
  return {
    name: 'revoked-crl',
    title: 'Revoked by CRL',
    prepare: known(device),
    steps: [admitted('before the CRL came'), refused('after it', 'revoked_crl')],
    run: async (context) => {
      await freshCrls(context, desk, 'acme');
      await desk.applyPolicy([uploaded()]);
      const cell = await stage(context, device);
      const before = await perform(cell);
      await desk.importCrl(await crl(context, anchorPlans.acme.issuing, context.at, [entryOf(cell, context.at)]));
      return [before, await perform(cell)];
    },
  };
}

function revokedByOcsp(cast: Cast, desk: RevocationDesk): Scenario {
  const device = role(cast, 'acme');
  return {
    name: 'revoked-ocsp',
    title: 'Revoked by OCSP',
    prepare: known(device),
    steps: [refused('Inform', 'revoked_ocsp')],
    run: async (context) => {
      await desk.applyPolicy([responder(desk)]);
      const cell = await stage(context, device);
      const { serialNumber } = entryOf(cell, context.at);
      desk.server.authority(anchorPlans.acme.issuing).revoke(serialNumber, context.at, 'keyCompromise');
      return [await perform(cell)];
    },
  };
}

function responder({ server }: RevocationDesk, more: object = {}): object {
  const url = server.ocspUrl(anchorPlans.acme.issuing);
  return { name: 'acme', depth: 'end-entity', sources: [{ kind: 'operator-ocsp', url, timeout: '1s' }], ...more };
}

/** TS 33.320 8.3.2.1 leaves it to the operator what is done when nobody can say. */
function responderDown(cast: Cast, desk: RevocationDesk): Scenario {
  const modes = ['deny', 'quarantine', 'admit'] as const;
  const devices = modes.map((onUnknown) => ({ onUnknown, device: role(cast, 'acme') }));
  return {
    name: 'responder-down',
    title: 'The OCSP responder is down',
    prepare: known(...devices.map(({ device }) => device)),
    steps: modes.map((mode) =>
      mode === 'admit' ? admitted('onUnknown: admit') : refused(`onUnknown: ${mode}`, 'revocation_unavailable'),
    ),
    run: async (context) => {
      desk.server.misbehave('down');
      try {
        const seen: Observation[] = [];
        for (const { onUnknown, device } of devices) {
          await desk.applyPolicy([responder(desk, { onUnknown })]);
          seen.push(await perform(await stage(context, device)));
        }
        return seen;
      } finally {
        desk.server.misbehave(undefined);
      }
    },
  };
}

function staleCrl(cast: Cast, desk: RevocationDesk): Scenario {
  const device = role(cast, 'acme');
  return {
    name: 'stale-crl',
    title: 'A CRL past its nextUpdate',
    prepare: known(device),
    steps: [refused('without grace', 'revocation_stale'), admitted('within the grace')],
    run: async (context) => {
      const cell = await stage(context, device);
      await desk.importCrl(await crl(context, anchorPlans.acme.issuing, context.at, [], -1000));
      await desk.applyPolicy([uploaded({ depth: 'end-entity' })]);
      const without = await perform(cell);
      await desk.applyPolicy([uploaded({ depth: 'end-entity', grace: '1d' })]);
      const within = await perform(cell);
      await freshCrls(context, desk, 'acme');
      return [without, within];
    },
  };
}

function revokedIntermediate(cast: Cast, desk: RevocationDesk): Scenario {
  const device = role(cast, 'zenith');
  const { root, issuing } = anchorPlans.zenith;
  return {
    name: 'revoked-intermediate',
    title: 'The CA above it is revoked',
    prepare: known(device),
    steps: [admitted('before the CRL came'), refused('after it', 'revoked_crl')],
    run: async (context) => {
      const { at, pki } = context;
      await freshCrls(context, desk, 'zenith');
      await desk.applyPolicy([{ name: 'zenith', sources: [{ kind: 'uploaded-crl' }] }]);
      const cell = await stage(context, device);
      const before = await perform(cell);
      const { serialNumber } = parseCertificate(findAuthority(pki.authorities, issuing).certificate);
      await desk.importCrl(await crl(context, root, at, [{ serialNumber, revokedAt: at, reason: 'cACompromise' }]));
      const after = await perform(cell);
      await desk.importCrl(await crl(context, root, at, []));
      return [before, after];
    },
  };
}
