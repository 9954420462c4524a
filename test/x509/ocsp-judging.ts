import { defaultOcspRules, judgeOcspResponse, type OcspRules } from '../../src/x509/ocsp-judgement.ts';
import { now } from './minting.ts';
import { ca, device, type ResponseOptions, response } from './ocsp-minting.ts';

const subject = { certificate: device.certificate, issuer: ca.certificate };

export function judge(bytes: Uint8Array, rules: Partial<OcspRules> = {}, at = now) {
  return judgeOcspResponse(bytes, subject, { ...defaultOcspRules, ...rules }, at);
}

/** `good`, `revoked`, or why it is unknown. */
export function said(bytes: Uint8Array | ResponseOptions, rules: Partial<OcspRules> = {}, at = now): string {
  const { status } = judge(bytes instanceof Uint8Array ? bytes : response(bytes), rules, at);
  return status.kind === 'unknown' ? status.cause : status.kind;
}
