import { createHash } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { ListenerConfig } from '../config/schema.ts';
import { writePem } from '../x509/pem.ts';
import type { KeyType } from './hello-class.ts';
import type { ServerCertificate } from './server-certificate.ts';
import type { TicketKeys } from './ticket-keys.ts';
import type { TlsPolicy } from './tls-profile.ts';

/** One context a key type: with two certificates in one, OpenSSL and Node disagree which of them is served. */
export type TlsContexts = ReadonlyMap<KeyType, SecureContext>;

/**
 * What a session must share with the door where it is resumed: a session opens only the door it was made at. 32
 * characters, the most that OpenSSL takes.
 */
export function sessionIdContextOf(
  listener: ListenerConfig,
  policy: TlsPolicy,
  anchors: readonly Uint8Array[],
): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([listener.name, policy.profile, policy.suites.map(({ id }) => id), listener.role]));
  for (const der of anchors) hash.update(createHash('sha256').update(der).digest());
  return hash.digest('base64url').slice(0, 32);
}

export interface ContextParts {
  readonly policy: TlsPolicy;
  readonly served: ReadonlyMap<KeyType, ServerCertificate>;
  /** DER of the anchors accepted here. */
  readonly anchors: readonly Uint8Array[];
  readonly sessionIdContext: string;
  readonly ticketKeys: TicketKeys;
}

export function buildContexts(parts: ContextParts): TlsContexts {
  const { policy, sessionIdContext, ticketKeys } = parts;
  const ca = parts.anchors.map((der) => writePem(der, 'CERTIFICATE'));
  const tickets = ticketKeys.keysFor(sessionIdContext);
  return new Map(
    [...parts.served].map(([keyType, { chainPem, keyPem }]) => [
      keyType,
      createSecureContext({
        ...policy.context,
        cert: chainPem,
        key: keyPem,
        // The names in the CertificateRequest, and what OpenSSL's own verdict, the second lock, stands on.
        ca,
        // An anchor need not be self-signed (RFC 5280 6.1.1 d).
        allowPartialTrustChain: true,
        sessionIdContext,
        ticketKeys: tickets,
        sessionTimeout: ticketKeys.lifetime,
      }),
    ]),
  );
}
