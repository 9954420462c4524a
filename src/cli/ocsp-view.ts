import { toHex } from '../x509/der.ts';
import { nameToString } from '../x509/name.ts';
import { nonceOf } from '../x509/ocsp-extensions.ts';
import type { BasicOcspResponse, OcspResponse } from '../x509/ocsp-response.ts';
import type { SingleResponse } from '../x509/ocsp-single-response.ts';
import { listText, momentText, type StructureView, type ViewLine } from './structure-view.ts';

const mostAnswers = 20;

/** An OCSP answer. Whether it can be believed hangs on the issuer of the certificate asked about. */
export function ocspView(response: OcspResponse): StructureView {
  if (response.status !== 'successful')
    return {
      title: `OCSP answer: ${response.status}`,
      lines: [['signature', 'none: anybody can say this']],
      marks: [],
    };
  const { responderId, producedAt, signature, certificates, extensions, responses } = response;
  const nonce = nonceOf(extensions);
  const responder =
    responderId.kind === 'byName' ? nameToString(responderId.name) : `key SHA-1 ${toHex(responderId.keyHash)}`;
  const lines: ViewLine[] = [
    ['responder', responder],
    ['producedAt', momentText(producedAt)],
    ['signature', signature.algorithm.name],
    ['certificates', listText(certificates.map(({ subject }) => nameToString(subject))) || 'none'],
    ...(nonce === undefined ? [] : [['nonce', toHex(nonce)] as const]),
    ...responses.slice(0, mostAnswers).flatMap(answerLines),
    ...moreLines(response),
  ];
  return { title: `OCSP answer for ${responses.length} certificate(s)`, lines, marks: [] };
}

function answerLines({ certId, status, thisUpdate, nextUpdate }: SingleResponse): ViewLine[] {
  const revoked = status.kind === 'revoked' ? ` since ${momentText(status.revokedAt)}, ${status.reason}` : '';
  const until = nextUpdate === undefined ? '' : ` to ${momentText(nextUpdate)}`;
  return [[`serial ${certId.serialNumber}`, `${status.kind}${revoked}; ${momentText(thisUpdate)}${until}`]];
}

function moreLines({ responses }: BasicOcspResponse): ViewLine[] {
  return responses.length > mostAnswers ? [['…', `${responses.length - mostAnswers} more`]] : [];
}
