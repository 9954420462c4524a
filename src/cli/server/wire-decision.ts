import type { DecisionRow } from '../../trust/decision-log.ts';
import type { ExplainedDecision } from '../../trust/explain.ts';

/** A decision as the API writes it. */
export interface WireDecision
  extends Pick<
    DecisionRow,
    | 'id'
    | 'at'
    | 'outcome'
    | 'stage'
    | 'reason'
    | 'detail'
    | 'peer'
    | 'listener'
    | 'resumed'
    | 'anchor'
    | 'identity'
    | 'fingerprint'
    | 'subject'
    | 'issuer'
  > {
  readonly recordedAt: Date;
  readonly deviceId: string | null;
  readonly connectionId: string;
  readonly remoteAddress: string | null;
  readonly remotePort: number;
  readonly tlsVersion: string | null;
  readonly cipherSuite: string | null;
  readonly serialNumber: string | null;
  readonly verdict?: ExplainedDecision['verdict'];
  readonly suspicions?: ExplainedDecision['suspicions'];
}

export function decisionOf(wire: WireDecision): ExplainedDecision {
  const { recordedAt, deviceId, connectionId, remoteAddress, remotePort, tlsVersion, cipherSuite, ...rest } = wire;
  const { serialNumber, verdict = null, suspicions = [], ...same } = rest;
  return {
    ...same,
    recorded_at: recordedAt,
    device_id: deviceId,
    connection_id: connectionId,
    remote_address: remoteAddress,
    remote_port: remotePort,
    tls_version: tlsVersion,
    cipher_suite: cipherSuite,
    serial_number: serialNumber,
    verdict,
    suspicions,
  };
}
