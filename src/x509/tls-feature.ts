import { collect, expect, finish, openDer, openSequence, tags } from './der.ts';
import { smallInteger } from './der-values.ts';
import { type Extensions, findExtension } from './extensions.ts';

const tlsFeature = '1.3.6.1.5.5.7.1.24';
/** status_request and status_request_v2 (RFC 6066 8, RFC 6961). */
const statusRequests = [5, 17];

/** RFC 7633: whether a server with this certificate has to staple an OCSP answer. Unreadable counts as no. */
export function mustStaple(extensions: Extensions): boolean {
  const extension = findExtension(extensions, tlsFeature);
  if (extension === undefined) return false;
  try {
    const cursor = openDer(extension.value, 'tlsFeature', { bytes: 256, depth: 2 });
    const list = openSequence(cursor, 'tlsFeature');
    const features = collect(list, (inside) => smallInteger(expect(inside, tags.integer, 'feature')), 32);
    finish(cursor);
    return features.some((feature) => statusRequests.includes(feature));
  } catch {
    return false;
  }
}
