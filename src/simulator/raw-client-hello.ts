import { randomBytes } from 'node:crypto';

/**
 * ClientHellos laid by hand (RFC 5246 7.4.1.2, RFC 8446 4.1.2): today's TLS libraries cannot offer what an H(e)MS has
 * to refuse.
 */
export interface HelloPlan {
  /** Wire version of the ClientHello, e.g. 0x0303. */
  readonly version: number;
  readonly suites: readonly number[];
  /** Sent as server_name unless null. */
  readonly serverName: string | null;
  /** Extensions at all; SSLv3 has none. */
  readonly extensions: boolean;
  /** supported_versions: absent before TLS 1.3. */
  readonly supportedVersions?: readonly number[];
}

export const versions = { ssl3: 0x0300, tls10: 0x0301, tls11: 0x0302, tls12: 0x0303, tls13: 0x0304 } as const;

const suites = {
  rc4: [0xc011, 0xc007, 0x0005, 0x0004],
  null: [0xc010, 0xc006, 0x003b, 0x0002, 0x0001],
  tripleDes: [0xc012, 0xc008, 0x0016, 0x000a],
  anonymous: [0xc018, 0x006c, 0x0034, 0x00a6],
  export: [0x0008, 0x0003, 0x0014, 0x0006],
  preShared: [0x00a8, 0x008c, 0xccab],
  cbc: [0xc013, 0xc009, 0x002f],
  aead: [0xc02b, 0xc02f],
} as const;

const plan = (version: number, offered: readonly number[]): HelloPlan => ({
  version,
  suites: offered,
  serverName: 'localhost',
  extensions: version > versions.ssl3,
});

/** By name, what a hopeless (or, in the last two, merely odd) client offers. */
export const helloPlans = {
  'rc4-only': plan(versions.tls12, suites.rc4),
  'null-only': plan(versions.tls12, suites.null),
  '3des-only': plan(versions.tls12, suites.tripleDes),
  'anonymous-only': plan(versions.tls12, suites.anonymous),
  'export-only': plan(versions.tls12, suites.export),
  'psk-only': plan(versions.tls12, suites.preShared),
  'cbc-only': plan(versions.tls12, suites.cbc),
  'rc4-and-null': plan(versions.tls12, [...suites.rc4, ...suites.null]),
  sslv3: plan(versions.ssl3, suites.cbc),
  'tls1.0': plan(versions.tls10, suites.cbc),
  'tls1.1': plan(versions.tls11, suites.cbc),
  /** TLS 1.3 suites that only protect integrity (RFC 9150). */
  'tls1.3-null-only': {
    ...plan(versions.tls12, [0xc0b4, 0xc0b5]),
    supportedVersions: [versions.tls13],
  },
  'rc4-and-aead': plan(versions.tls12, [...suites.rc4, ...suites.aead]),
  'aead-only': plan(versions.tls12, suites.aead),
} as const satisfies Record<string, HelloPlan>;

export type HelloName = keyof typeof helloPlans;

const u8 = (value: number): Buffer => Buffer.of(value);
const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff);
const u24 = (value: number): Buffer => Buffer.of(value >> 16, (value >> 8) & 0xff, value & 0xff);
const vector8 = (bytes: Buffer): Buffer => Buffer.concat([u8(bytes.length), bytes]);
const vector16 = (bytes: Buffer): Buffer => Buffer.concat([u16(bytes.length), bytes]);
const list16 = (values: readonly number[]): Buffer => Buffer.concat(values.map(u16));
const extension = (type: number, content: Buffer): Buffer => Buffer.concat([u16(type), vector16(content)]);

function extensions(hello: HelloPlan): Buffer {
  const name = hello.serverName;
  const parts = [
    ...(name === null ? [] : [extension(0, vector16(Buffer.concat([u8(0), vector16(Buffer.from(name, 'latin1'))])))]),
    // supported_groups P-256, P-384; ec_point_formats uncompressed.
    extension(10, vector16(list16([0x0017, 0x0018]))),
    extension(11, vector8(u8(0))),
    // signature_algorithms: ECDSA, RSA-PSS and RSA with SHA-256, ECDSA with SHA-384.
    ...(hello.version >= versions.tls12 ? [extension(13, vector16(list16([0x0403, 0x0804, 0x0401, 0x0503])))] : []),
    // renegotiation_info (RFC 5746), empty: a first handshake.
    extension(0xff01, vector8(Buffer.alloc(0))),
    ...(hello.supportedVersions === undefined ? [] : [extension(43, vector8(list16(hello.supportedVersions)))]),
  ];
  return vector16(Buffer.concat(parts));
}

/** One TLS record holding the ClientHello. */
export function clientHello(hello: HelloPlan): Buffer {
  const body = Buffer.concat([
    u16(hello.version),
    randomBytes(32),
    vector8(Buffer.alloc(0)),
    vector16(list16(hello.suites)),
    // Compression: null alone.
    vector8(u8(0)),
    ...(hello.extensions ? [extensions(hello)] : []),
  ]);
  const message = Buffer.concat([u8(1), u24(body.length), body]);
  // RFC 5246 E.1: the record carries the lowest version the client could mean.
  return Buffer.concat([u8(22), u16(Math.min(hello.version, versions.tls10)), vector16(message)]);
}
