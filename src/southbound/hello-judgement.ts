import type { SecureContext } from 'node:tls';
import type { HelloReading } from './client-hello.ts';
import { chooseKeyType, classifyHello, type KeyType, offeredVersion } from './hello-class.ts';
import type { TlsContexts } from './tls-contexts.ts';
import { type FailureCause, fatalAlert, notTlsDetail } from './tls-failure.ts';
import type { TlsPolicy } from './tls-profile.ts';

export type HelloJudgement =
  | {
      readonly kind: 'handshake';
      readonly context: SecureContext;
      /** Of the certificate in the context. */
      readonly keyType: KeyType;
      readonly tlsVersion: string | undefined;
    }
  | {
      readonly kind: 'refuse';
      readonly cause: FailureCause;
      /** The highest version offered. */
      readonly tlsVersion: string | undefined;
      /** An alert, where TLS is spoken. */
      readonly lastWords: Buffer | undefined;
    };

/**
 * Judges the first thing a client said. TLS that is no well-formed ClientHello goes to OpenSSL, which knows the alert
 * for it; who cannot be served whatever happens is refused here, by name and without a handshake.
 */
export function judgeHello(
  reading: Exclude<HelloReading, { kind: 'incomplete' }>,
  bytes: Buffer,
  policy: TlsPolicy,
  contexts: TlsContexts,
): HelloJudgement {
  if (reading.kind === 'not_tls')
    // TS 33.210 6.2.1: TLS starts with the connection. No upgrade (RFC 2817), no redirect, not a word.
    return {
      kind: 'refuse',
      cause: { reason: 'not_tls', detail: notTlsDetail(bytes) },
      tlsVersion: undefined,
      lastWords: undefined,
    };
  const keyTypes = [...contexts.keys()];
  const hello = reading.kind === 'hello' ? reading.hello : undefined;
  const tlsVersion = hello === undefined ? undefined : offeredVersion(hello);
  const verdict = hello === undefined ? undefined : classifyHello(hello, policy, keyTypes);
  if (hello !== undefined && verdict !== undefined && verdict.kind !== 'ok') {
    const alert = verdict.kind === 'protocol_version' ? 'protocol_version' : 'handshake_failure';
    return {
      kind: 'refuse',
      cause: { reason: verdict.kind, detail: verdict.detail },
      tlsVersion,
      lastWords: fatalAlert(alert, hello.maxVersion),
    };
  }
  const keyType = hello === undefined ? keyTypes[0] : chooseKeyType(hello, policy, keyTypes);
  const context = keyType === undefined ? undefined : contexts.get(keyType);
  if (keyType === undefined || context === undefined) throw new Error('no certificate is loaded');
  return { kind: 'handshake', context, keyType, tlsVersion };
}
