import type { Certificate } from './certificate.ts';
import { accessMethods } from './oids.ts';

/** The responders that a certificate names (RFC 5280 4.2.2.1), in its order; only what HTTP can reach. */
export function ocspUrlsOf({ extensions }: Certificate): readonly string[] {
  const urls = (extensions.authorityInfoAccess ?? []).flatMap(({ method, location }) =>
    method === accessMethods.ocsp && location.kind === 'uniformResourceIdentifier' ? [location.value] : [],
  );
  return [...new Set(urls)].filter((url) => /^https?:\/\//i.test(url) && URL.canParse(url)).slice(0, mostUrls);
}

/** Somebody who names more wants to be asked for, not to be found. */
const mostUrls = 4;
