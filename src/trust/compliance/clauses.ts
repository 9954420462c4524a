import type { Deviation, DeviationName } from './deviations.ts';

/** One row of the table in the README: what a clause of TS 33.320 asks, and which settings would take from it. */
export interface Clause {
  readonly clause: string;
  readonly what: string;
  readonly weakenedBy: readonly DeviationName[];
}

export const clauses: readonly Clause[] = [
  {
    clause: '7.2.2',
    what: 'A device certificate is signed by a manufacturer or another entity that the operator authorised, or by the operator’s own PKI',
    weakenedBy: ['development_pki'],
  },
  {
    clause: '7.2.2',
    what: 'The certificate carries the globally unique identity of the H(e)NB; the operator’s PKI may give it another one',
    weakenedBy: [],
  },
  {
    clause: '7.2.2',
    what: 'Certificates, hashes, keys and signatures as in TS 33.310 6.1',
    weakenedBy: ['certificate_profile_rfc5280', 'certificate_rules_weakened'],
  },
  {
    clause: '7.2.2',
    what: 'A certificate that cannot be renewed outlives its device; pointers to CRL and OCSP are optional in it',
    weakenedBy: [],
  },
  { clause: '8.3.2.1', what: 'If TLS is used the URL of the H(e)MS is https', weakenedBy: [] },
  {
    clause: '8.3.2.1',
    what: 'The H(e)NB finds the name or the address of the H(e)MS in its subjectAltName',
    weakenedBy: [],
  },
  {
    clause: '8.3.2.1',
    what: 'The H(e)MS can check device certificates by CRL, by OCSP or by both; the operator says how and at which servers',
    weakenedBy: [
      'revocation_unchecked',
      'revocation_fails_open',
      'revocation_end_entity_only',
      'revocation_sha1',
      'revocation_overridden',
    ],
  },
  { clause: '8.3.2.1', what: 'In-band certificate status (stapling) is optional', weakenedBy: [] },
  {
    clause: '8.3.4',
    what: 'Mutual authentication by device certificate and network certificate',
    weakenedBy: [],
  },
  {
    clause: '8.3.4',
    what: 'TLS as profiled: 1.2 and newer, no weak suites, no compression, no renegotiation (TS 33.310 Annex E, now TS 33.210 6.2)',
    weakenedBy: ['legacy_tls_profile', 'own_cipher_string'],
  },
  { clause: '8.3.4', what: 'Suites with RC4 are not used', weakenedBy: [] },
  {
    clause: '8.3.4',
    what: 'No authentication by shared secret',
    weakenedBy: ['shared_secret_ignored', 'connection_request_secret'],
  },
  {
    clause: '8.3.4',
    what: 'Files are exchanged under the same certificates and without passwords, and only with the device that they are for',
    weakenedBy: [],
  },
  {
    clause: '8.3.4',
    what: 'Validity is judged, but a device need not know the time: its restored clock may be old',
    weakenedBy: ['expired_anchor_accepted'],
  },
  {
    clause: '8.3.4',
    what: 'The H(e)NB is authenticated by the identity in its certificate, whatever it says of itself',
    weakenedBy: [],
  },
];

export interface JudgedClause {
  readonly clause: string;
  readonly what: string;
  readonly verdict: 'met' | 'deviates';
  readonly deviations: readonly Deviation[];
}

/** Every clause against the deviations that there are. */
export function judgeClauses(deviations: readonly Deviation[]): readonly JudgedClause[] {
  return clauses.map(({ clause, what, weakenedBy }) => {
    const found = deviations.filter(({ name }) => weakenedBy.includes(name));
    return { clause, what, verdict: found.length === 0 ? 'met' : 'deviates', deviations: found };
  });
}
