import { createHash } from 'node:crypto';
import type { Certificate } from '../../src/x509/certificate.ts';
import * as der from './der-writer.ts';
import { algorithms, type KeyPair, keyNumber, type Minted, mint, now, type SigningAlgorithm } from './minting.ts';
import * as ext from './minting-extensions.ts';

/** Mints OCSP answers for the tests: every field can be set, also to what no responder should write. */

export const ocspSigning = '1.3.6.1.5.5.7.3.9';
export const minutes = (n: number): Date => new Date(now.getTime() + n * 60_000);

export const ca = mint({ subject: 'O=Acme/CN=Issuing', key: keyNumber(10), extensions: ext.caExtensions(0) });
export const device = mint({ subject: 'CN=device', key: keyNumber(11), by: ca, serial: 0x0a5bn, extensions: [] });
export const noCheck = ext.extension('1.3.6.1.5.5.7.48.1.5', der.nothing());

export function delegate(
  options: Partial<Parameters<typeof mint>[0]> & { purposes?: string[]; marked?: boolean } = {},
): Minted {
  const { purposes = [ocspSigning], marked = true, extensions = [], ...rest } = options;
  return mint({
    subject: 'O=Acme/CN=Responder',
    key: keyNumber(12),
    by: ca,
    extensions: [
      ...(purposes.length === 0 ? [] : [ext.extKeyUsage(purposes)]),
      ...(marked ? [noCheck] : []),
      ...(extensions ?? []),
    ],
    ...rest,
  });
}

const generalized = (at: Date): Uint8Array => der.tlv(0x18, Buffer.from(at.toISOString().replace(/[-:T]|\.\d+/g, '')));

export interface SingleOptions {
  readonly about?: Minted;
  readonly issuer?: Minted;
  readonly hash?: 'sha1' | 'sha256' | 'sha384' | 'sha512' | 'md5';
  readonly serial?: Uint8Array;
  readonly nameHash?: Uint8Array;
  readonly keyHash?: Uint8Array;
  readonly status?: 'good' | 'unknown' | { readonly revokedAt?: Date; readonly reason?: number } | Uint8Array;
  readonly thisUpdate?: Date | Uint8Array;
  readonly nextUpdate?: Date | null;
  readonly extensions?: readonly Uint8Array[];
}

const hashOids = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
  md5: '1.2.840.113549.2.5',
};

const digest = (hash: string, bytes: Uint8Array): Uint8Array => createHash(hash).update(bytes).digest();

export function single(options: SingleOptions = {}): Uint8Array {
  const { about = device, issuer = ca, hash = 'sha1', status = 'good', nextUpdate = minutes(60) } = options;
  const certificate: Certificate = about.certificate;
  const serial = options.serial ?? Buffer.from(der.integerOctets(BigInt(`0x${certificate.serialNumber}`)));
  return der.sequence(
    der.sequence(
      der.sequence(der.oid(hashOids[hash]), der.nothing()),
      der.octets(options.nameHash ?? digest(hash, certificate.issuer.der)),
      der.octets(options.keyHash ?? digest(hash, issuer.certificate.publicKey.key)),
      der.tlv(0x02, serial),
    ),
    statusOf(status),
    options.thisUpdate instanceof Uint8Array ? options.thisUpdate : generalized(options.thisUpdate ?? minutes(-10)),
    ...(nextUpdate === null ? [] : [der.explicit(0, generalized(nextUpdate))]),
    ...(options.extensions === undefined ? [] : [der.explicit(1, der.sequence(...options.extensions))]),
  );
}

function statusOf(status: NonNullable<SingleOptions['status']>): Uint8Array {
  if (status instanceof Uint8Array) return status;
  if (status === 'good') return der.implicit(0, new Uint8Array());
  if (status === 'unknown') return der.implicit(2, new Uint8Array());
  const reason = status.reason === undefined ? [] : [der.explicit(0, der.tlv(0x0a, Uint8Array.of(status.reason)))];
  return der.explicit(1, generalized(status.revokedAt ?? minutes(-1000)), ...reason);
}

export interface ResponseOptions {
  readonly singles?: readonly Uint8Array[];
  readonly signer?: Minted;
  readonly key?: KeyPair;
  /** Default byName. */
  readonly responder?: 'byName' | 'byKey' | Uint8Array;
  readonly producedAt?: Date;
  readonly version?: number;
  readonly extensions?: readonly Uint8Array[];
  readonly certificates?: readonly Uint8Array[] | null;
  readonly algorithm?: SigningAlgorithm;
  /** Changes tbsResponseData after it was signed. */
  readonly forge?: (tbs: Buffer) => Uint8Array;
  readonly responseType?: string;
}

export const nonceExtension = (nonce: Uint8Array, critical = false): Uint8Array =>
  ext.extension('1.3.6.1.5.5.7.48.1.2', der.octets(nonce), critical);

export function response(options: ResponseOptions = {}): Uint8Array {
  const { signer = ca, singles = [single()], responder = 'byName', producedAt = minutes(-5) } = options;
  const tbs = der.sequence(
    ...(options.version === undefined ? [] : [der.explicit(0, der.integer(options.version))]),
    responderId(responder, signer),
    generalized(producedAt),
    der.sequence(...singles),
    ...(options.extensions === undefined ? [] : [der.explicit(1, der.sequence(...options.extensions))]),
  );
  const key = options.key ?? signer.key;
  const algorithm = options.algorithm ?? algorithms['ecdsa-sha256'];
  const signature = algorithm.sign(tbs, key.privateKey);
  const embedded = options.certificates === undefined ? (signer === ca ? null : [signer.der]) : options.certificates;
  const basic = der.sequence(
    options.forge === undefined ? tbs : options.forge(Buffer.from(tbs)),
    algorithm.identifier,
    der.bits(signature),
    ...(embedded === null ? [] : [der.explicit(0, der.sequence(...embedded))]),
  );
  return wrap(basic, options.responseType);
}

export function wrap(basic: Uint8Array, type = '1.3.6.1.5.5.7.48.1.1'): Uint8Array {
  return der.sequence(der.tlv(0x0a, Uint8Array.of(0)), der.explicit(0, der.sequence(der.oid(type), der.octets(basic))));
}

export function errorResponse(status: number): Uint8Array {
  return der.sequence(der.tlv(0x0a, Uint8Array.of(status)));
}

function responderId(kind: 'byName' | 'byKey' | Uint8Array, signer: Minted): Uint8Array {
  if (kind instanceof Uint8Array) return kind;
  return kind === 'byName'
    ? der.explicit(1, signer.subject)
    : der.explicit(2, der.octets(digest('sha1', signer.certificate.publicKey.key)));
}
