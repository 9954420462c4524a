import type { Logger } from 'pino';
import type { Clock } from '../platform/clock.ts';
import { anchorOf, type Decision } from './decision.ts';

export interface DecisionLineDeps {
  readonly logger: Logger;
  readonly clock: Clock;
  /** Lines a minute for clients that are no devices of ours; what exceeds them is counted and told once. */
  readonly strangersPerMinute: number;
}

const minute = 60_000;

/**
 * One line a decision. `decision` is the id of the audit row and of the API, `connection` stands in every row of the
 * same TCP connection, and the line of a session names the decision that let it in. Our own devices always get theirs;
 * strangers must not be able to fill the disk.
 */
export function createDecisionLines({
  logger,
  clock,
  strangersPerMinute,
}: DecisionLineDeps): (decision: Decision) => void {
  let since = 0;
  let lines = 0;
  const hasRoom = (): boolean => {
    const now = clock.now().getTime();
    if (now - since >= minute) {
      if (lines > strangersPerMinute)
        logger.info({ unreported: lines - strangersPerMinute }, 'decisions about strangers without a line');
      since = now;
      lines = 0;
    }
    lines += 1;
    return lines <= strangersPerMinute;
  };
  return (decision) => {
    if (decision.peer !== 'known') {
      if (logger.isLevelEnabled('info') && hasRoom()) logger.info(lineOf(decision), 'decision');
    } else if (decision.outcome === 'refused') logger.warn(lineOf(decision), 'decision');
    else logger.info(lineOf(decision), 'decision');
  };
}

function lineOf(decision: Decision) {
  const { id, facts, outcome, peer, identity, deviceId, leaf } = decision;
  const refused = decision.outcome === 'refused' ? decision : undefined;
  return {
    decision: id,
    connection: facts.connectionId,
    outcome,
    peer,
    stage: refused?.stage,
    reason: refused?.reason,
    detail: refused?.detail,
    anchor: anchorOf(decision),
    device: deviceId,
    identity: identity?.value.slice(0, 300),
    certificate: leaf?.fingerprint,
    listener: facts.listener,
    address: facts.remoteAddress,
    port: facts.remotePort,
    tls: facts.tlsVersion,
    suite: facts.cipherSuite,
    resumed: facts.resumed,
  };
}
