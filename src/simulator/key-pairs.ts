import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';

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
