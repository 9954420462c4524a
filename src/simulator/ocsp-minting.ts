import type * as Pkijs from 'pkijs';
import { constructed, primitive, tags } from '../x509/der.ts';
import { encode, encodeOid, encodeSequence } from '../x509/der-encoding.ts';
import type { OcspCertStatus } from '../x509/ocsp-single-response.ts';
import { webAlgorithm } from './certificate-minting.ts';
import { reasonCodes } from './crl-minting.ts';
import type { KeyPair } from './key-pairs.ts';

/** A request as a responder reads it: by pkijs, so that what hems writes is read by somebody else. */
export interface OcspRequestRead {
  /** DER of the CertID. */
  readonly certId: Uint8Array;
  readonly issuerNameHash: string;
  readonly issuerKeyHash: string;
  /** Hex without leading zeros. */
  readonly serialNumber: string;
  /** DER inside extnValue. */
  readonly nonce: Uint8Array | undefined;
}

export interface OcspAnswerTemplate {
  readonly certId: Uint8Array;
  readonly status: OcspCertStatus;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly producedAt: Date;
  readonly nonce?: Uint8Array;
  /** Whose name the answer bears and whose key signs it; two where it is forged. */
  readonly signer: { readonly certificate: Uint8Array; readonly key: KeyPair };
  /** Sent along with the answer; empty where the CA itself signs. */
  readonly certificates: readonly Uint8Array[];
}

/** Takes a tenth of a second to load, and most runs mint no answer. */
const load = (): Promise<typeof Pkijs> => import('pkijs');

const nonceOid = '1.3.6.1.5.5.7.48.1.2';
const basicOid = '1.3.6.1.5.5.7.48.1.1';

/** Throws on what is no OCSPRequest for one certificate. */
export async function readOcspRequest(der: Uint8Array): Promise<OcspRequestRead> {
  const { OCSPRequest } = await load();
  const { tbsRequest } = OCSPRequest.fromBER(Uint8Array.from(der).buffer);
  const [request, ...more] = tbsRequest.requestList;
  if (request === undefined || more.length > 0) throw new Error('this responder answers for one certificate at a time');
  const { reqCert } = request;
  const hex = (view: ArrayBuffer): string => Buffer.from(view).toString('hex');
  const nonce = tbsRequest.requestExtensions?.find(({ extnID }) => extnID === nonceOid);
  return {
    certId: new Uint8Array(reqCert.toSchema().toBER()),
    issuerNameHash: hex(reqCert.issuerNameHash.getValue()),
    issuerKeyHash: hex(reqCert.issuerKeyHash.getValue()),
    serialNumber: reqCert.serialNumber.toBigInt().toString(16),
    nonce: nonce === undefined ? undefined : new Uint8Array(nonce.extnValue.getValue()),
  };
}

/** Signs a BasicOCSPResponse with SHA-256. Returns the DER of the OCSPResponse. */
export async function mintOcspAnswer(template: OcspAnswerTemplate): Promise<Uint8Array> {
  const pkijs = await load();
  const { signer, producedAt, nonce } = template;
  const named = pkijs.Certificate.fromBER(Uint8Array.from(signer.certificate).buffer);
  const tbsResponseData = new pkijs.ResponseData({
    responderID: named.subject,
    // pkijs would write the milliseconds, which RFC 6960 4.2.2.1 does not allow.
    producedAt: new Date(Math.floor(producedAt.getTime() / 1000) * 1000),
    responses: [pkijs.SingleResponse.fromBER(Uint8Array.from(singleResponse(template)).buffer)],
    ...(nonce === undefined
      ? {}
      : { responseExtensions: [new pkijs.Extension({ extnID: nonceOid, extnValue: Uint8Array.from(nonce).buffer })] }),
  });
  const basic = new pkijs.BasicOCSPResponse({
    tbsResponseData,
    certs: template.certificates.map((der) => pkijs.Certificate.fromBER(Uint8Array.from(der).buffer)),
  });
  const { privateKey } = signer.key;
  await basic.sign(privateKey.toCryptoKey(webAlgorithm(privateKey, 'sha256'), true, ['sign']), 'SHA-256');
  return wrap(new Uint8Array(basic.toSchema().toBER()), basicOid);
}

/** An OCSPResponse without an answer, as a responder says tryLater (3) or unauthorized (6): signed by nobody. */
export function ocspError(status: number): Uint8Array {
  return encodeSequence(encode(tags.enumerated, Uint8Array.of(status)));
}

function wrap(basic: Uint8Array, type: string): Uint8Array {
  const bytes = encodeSequence(encodeOid(type), encode(tags.octetString, basic));
  return encodeSequence(encode(tags.enumerated, Uint8Array.of(0)), encode(constructed(0), bytes));
}

/** pkijs leaves CertStatus to its user. */
function singleResponse({ certId, status, thisUpdate, nextUpdate }: OcspAnswerTemplate): Uint8Array {
  return encodeSequence(
    certId,
    certStatus(status),
    generalizedTime(thisUpdate),
    ...(nextUpdate === undefined ? [] : [encode(constructed(0), generalizedTime(nextUpdate))]),
  );
}

function certStatus(status: OcspCertStatus): Uint8Array {
  if (status.kind !== 'revoked') return encode(primitive(status.kind === 'good' ? 0 : 2));
  const reason = encode(constructed(0), encode(tags.enumerated, Uint8Array.of(reasonCodes[status.reason])));
  return encode(constructed(1), generalizedTime(status.revokedAt), reason);
}

function generalizedTime(at: Date): Uint8Array {
  return encode(tags.generalizedTime, Buffer.from(at.toISOString().replace(/[-:T]|\.\d+/g, '')));
}
