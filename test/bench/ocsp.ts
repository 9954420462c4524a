import { performance } from 'node:perf_hooks';
import * as pkijs from 'pkijs';
import { certIdOf } from '../../src/x509/ocsp-cert-id.ts';
import { defaultOcspRules, judgeOcspResponse } from '../../src/x509/ocsp-judgement.ts';
import { writeOcspRequest } from '../../src/x509/ocsp-request.ts';
import { now } from '../x509/minting.ts';
import { ca, delegate, device, nonceExtension, response } from '../x509/ocsp-minting.ts';
import { median, type Row } from './row.ts';

const batches = 9;

/** Milliseconds a call, the median of batches. */
async function measure(call: () => unknown, calls: number): Promise<number> {
  for (let i = 0; i < calls; i++) await call();
  const times: number[] = [];
  for (let batch = 0; batch < batches; batch++) {
    const start = performance.now();
    for (let i = 0; i < calls; i++) await call();
    times.push((performance.now() - start) / calls);
  }
  return median(times);
}

const exact = (der: Uint8Array): ArrayBuffer => Uint8Array.from(der).buffer;
const byPkijs = (der: Uint8Array): pkijs.Certificate => pkijs.Certificate.fromBER(exact(der));

async function pkijsRequest(): Promise<void> {
  const request = new pkijs.OCSPRequest();
  await request.createForCertificate(byPkijs(device.der), {
    hashAlgorithm: 'SHA-1',
    issuerCertificate: byPkijs(ca.der),
  });
  request.toSchema(true).toBER();
}

/** What pkijs offers: the signature and its signer, not the times. */
async function pkijsAnswer(der: Uint8Array): Promise<void> {
  const { responseBytes } = pkijs.OCSPResponse.fromBER(exact(der));
  const basic = pkijs.BasicOCSPResponse.fromBER(responseBytes?.response.getValue() ?? new ArrayBuffer(0));
  if (!(await basic.verify({ trustedCerts: [byPkijs(ca.der)] }))) throw new Error('pkijs must believe it');
  await basic.getCertificateStatus(byPkijs(device.der), byPkijs(ca.der));
}

/** Asking about one certificate and judging the answer, without the network between; P-256 keys. */
export async function benchOcsp(): Promise<Row[]> {
  const subject = { certificate: device.certificate, issuer: ca.certificate };
  const answers = {
    ca: response(),
    delegate: response({ signer: delegate(), extensions: [nonceExtension(Buffer.alloc(32))] }),
  };
  const judge = (der: Uint8Array) => (): void => {
    if (judgeOcspResponse(der, subject, defaultOcspRules, now).status.kind !== 'good') throw new Error('must be good');
  };
  const nonce = Buffer.alloc(32);
  const request = await measure(
    () => writeOcspRequest(certIdOf(device.certificate, ca.certificate, 'sha1'), nonce),
    500,
  );
  const theirRequest = await measure(pkijsRequest, 20);
  const delegated = await measure(judge(answers.delegate), 100);
  const theirs = await measure(() => pkijsAnswer(answers.delegate), 10);
  const row = (name: string, ms: number, against?: number, note?: string): Row => ({
    name,
    value: `${ms.toFixed(3)} ms`,
    ...(against === undefined ? {} : { ratio: `${(ms / against).toFixed(3)} ×` }),
    ...(note === undefined ? {} : { note }),
  });
  return [
    row('write a request with a nonce', request, theirRequest, `pkijs ${theirRequest.toFixed(2)} ms`),
    row('judge an answer that the CA signed', await measure(judge(answers.ca), 100), undefined, 'one verification'),
    row(
      'judge an answer that a delegate signed',
      delegated,
      theirs,
      `pkijs ${theirs.toFixed(2)} ms, without the times`,
    ),
  ];
}
