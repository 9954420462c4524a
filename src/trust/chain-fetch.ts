import type { Registry } from 'prom-client';
import type { Clock } from '../platform/clock.ts';
import type { Egress } from '../platform/egress/egress.ts';
import type { Certificate } from '../x509/certificate.ts';
import { type CertificateList, parseCrl } from '../x509/crl.ts';
import { DerError } from '../x509/der.ts';
import { defaultOcspRules } from '../x509/ocsp-judgement.ts';
import { ocspUrlsOf } from '../x509/ocsp-pointers.ts';
import type { PathAnchor } from '../x509/path-anchor.ts';
import { PemError, readPem } from '../x509/pem.ts';
import type { FetchAnswer } from './chain-revocation.ts';
import { createOcspClient, type OcspClient } from './ocsp-client.ts';
import { crlRequest, signersOf } from './revocation/crl-request.ts';
import type { HeldCrl } from './revocation/held-crls.ts';
import { egressOf } from './revocation/source-urls.ts';
import { type CrlFacts, certificatesOf, crlAnswer, crlUrls, type SourceQuestion } from './revocation/statuses.ts';
import { isOcsp, sourceName } from './revocation-policy.ts';
import type { SourceAnswer } from './verdict.ts';

export interface ChainFetchDeps {
  readonly egress: Egress;
  readonly clock: Clock;
  readonly metrics: Registry;
  readonly anchors: readonly PathAnchor[];
  /** Certificates that may have signed CRLs. */
  readonly signers: readonly Certificate[];
}

interface Fetcher extends ChainFetchDeps {
  readonly client: OcspClient;
  /** By URL; each is fetched once. */
  readonly crls: Map<string, readonly HeldCrl[]>;
  readonly fetches: Map<string, CrlFacts['fetches'] extends ReadonlyMap<string, infer State> ? State : never>;
}

/** Asks the sources of a policy for one chain, without a database: what the gate would ask, by the same rules. */
export function createChainFetch(deps: ChainFetchDeps): FetchAnswer {
  const fetcher: Fetcher = { ...deps, client: createOcspClient(deps), crls: new Map(), fetches: new Map() };
  return (question) => (isOcsp(question.source) ? askResponders(fetcher, question) : askCrls(fetcher, question));
}

async function askResponders({ client }: Fetcher, question: SourceQuestion): Promise<SourceAnswer> {
  const { policy, source, path, index, at } = question;
  const [certificate, issuer] = [...certificatesOf(path), path.anchor].slice(index);
  const none: SourceAnswer = { source: sourceName(source), status: { kind: 'unknown', cause: 'no-pointer' } };
  if (certificate === undefined || issuer === undefined) return none;
  const age = source.maxAge ?? policy.maxAge;
  const { unmarkedDelegates, issuerValidity } = defaultOcspRules;
  const responders = (source.url === undefined ? ocspUrlsOf(certificate) : [source.url]).map((url) => ({
    url,
    egress: egressOf(source),
    timeout: source.timeout ?? policy.timeout,
    method: source.method === 'get' ? ('GET' as const) : ('POST' as const),
    nonce: source.nonce ?? policy.nonce,
    certIdHash: 'sha1' as const,
    rules: {
      sha1: source.sha1,
      maxAge: age === 'next-update' ? undefined : age,
      grace: policy.grace,
      configured: signersOf(source),
    },
  }));
  const answer = await client.ask({ certificate, issuer, responders, unmarkedDelegates, issuerValidity }, at);
  const { status, responder } = answer;
  return { source: sourceName(source), status, ...(responder !== undefined && { basis: { url: responder } }) };
}

async function askCrls(fetcher: Fetcher, question: SourceQuestion): Promise<SourceAnswer> {
  const facts: CrlFacts = fetcher;
  // Once more for the deltas that a fetched CRL names.
  for (let round = 0; round < 2; round++)
    for (const url of crlUrls(facts, question)) if (!fetcher.fetches.has(url)) await fetchOne(fetcher, question, url);
  const answer = crlAnswer(facts, question, fetcher.anchors);
  return answer ?? { source: sourceName(question.source), status: { kind: 'unknown', cause: 'unreachable' } };
}

async function fetchOne(fetcher: Fetcher, { policy, source, path, at }: SourceQuestion, url: string): Promise<void> {
  const anchor = path.anchorName;
  const remember = (outcome: string): void => {
    fetcher.fetches.set(url, { anchor, pointer: source.url === undefined, outcome, fetchedAt: at, nextAt: at });
  };
  const timeout = source.timeout ?? policy.timeout;
  const result = await fetcher.egress.fetch(crlRequest(source, { url, maxBytes: policy.limits.crlBytes, timeout }));
  if (result.kind !== 'answer' || result.status !== 200)
    return remember(result.kind === 'failed' && result.cause === 'too-large' ? 'too-large' : 'unreachable');
  const lists = readLists(result.body);
  if (lists === undefined) return remember('malformed');
  const signers = [...signersOf(source), ...fetcher.signers];
  fetcher.crls.set(
    url,
    lists.map((list, i) => ({ list, anchor: path.anchorName, signers: i === 0 ? signers : [] })),
  );
  remember('stored');
}

/** REV-16: DER; PEM is tolerated. */
function readLists(body: Uint8Array): readonly CertificateList[] | undefined {
  try {
    const text = Buffer.from(body.subarray(0, 4096)).toString('latin1');
    const ders = text.includes('-----BEGIN') ? readPem(Buffer.from(body).toString('latin1'), 'X509 CRL') : [body];
    return ders.map((der) => parseCrl(der));
  } catch (error) {
    if (error instanceof DerError || error instanceof PemError) return undefined;
    throw error;
  }
}
