import assert from 'node:assert/strict';
import type { AnchorConfig } from '../../src/config/schema.ts';
import { loadAnchors, type TrustAnchor } from '../../src/trust/anchors.ts';
import type { OwnAuthority } from '../integration/production.ts';

/** The anchor acme on an authority of the test's own. */
export async function anchorOf(authority: OwnAuthority): Promise<readonly TrustAnchor[]> {
  const config: AnchorConfig = {
    ...{ name: 'acme', certificates: ['acme.pem'], kind: 'manufacturer', identity: ['san-dns-hnb'] },
    ...{ realms: ['hnb.acme.example'], sharesRealmsWith: [], registration: 'known-only' },
    ...{ autoRegistration: { ouis: [], perHour: 1 }, afterEnrolment: 'accept', sharedSecret: 'refuse' },
    ...{ acceptExpiredAnchor: false, profile: 'hems', rules: {}, connectionRequest: 'certificate' },
  };
  const readFile = async (): Promise<string> => authority.certificate;
  const loaded = await loadAnchors([config], { readFile, at: new Date(), production: true });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.anchors;
}
