import { createECDH, createPrivateKey, createPublicKey, generateKeyPair, hkdfSync, type KeyObject } from 'node:crypto';

export type KeyKind = 'ec' | 'ec-p384' | 'rsa' | 'rsa-3072' | 'rsa-1024';

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** `ec` is P-256, `rsa` has 2048 bits: what TS 33.310 6.1.1 lets a device hold. `rsa-1024` exists to be refused. */
export function newKeyPair(kind: KeyKind): Promise<KeyPair> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, publicKey: KeyObject, privateKey: KeyObject): void => {
      if (error === null) resolve({ publicKey, privateKey });
      else reject(error);
    };
    switch (kind) {
      case 'ec':
        return generateKeyPair('ec', { namedCurve: 'P-256' }, done);
      case 'ec-p384':
        return generateKeyPair('ec', { namedCurve: 'P-384' }, done);
      case 'rsa':
        return generateKeyPair('rsa', { modulusLength: 2048 }, done);
      case 'rsa-3072':
        return generateKeyPair('rsa', { modulusLength: 3072 }, done);
      case 'rsa-1024':
        return generateKeyPair('rsa', { modulusLength: 1024 }, done);
    }
  });
}

export function privateKeyPem(pair: KeyPair): string {
  return pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

export function readKeyPair(privatePem: string): KeyPair {
  const privateKey = createPrivateKey(privatePem);
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The same P-256 pair for the same seed, so that a simulated fleet keeps its keys from run to run. Never a secret. */
export function derivedKeyPair(seed: string): KeyPair {
  // 48 bytes, so that the reduction favours no scalar that anyone could notice (FIPS 186-5 A.2.1).
  const bits = Buffer.from(hkdfSync('sha256', seed, 'hems-simulator', 'P-256', 48)).toString('hex');
  const scalar = (BigInt(`0x${bits}`) % (p256Order - 1n)) + 1n;
  const curve = createECDH('prime256v1');
  curve.setPrivateKey(scalar.toString(16).padStart(64, '0'), 'hex');
  const point = curve.getPublicKey();
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33).toString('base64url'),
    d: Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex').toString('base64url'),
  };
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}
