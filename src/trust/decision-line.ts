import type { Logger } from 'pino';
import type { Clock } from '../platform/clock.ts';
import { anchorOf, type Decision } from './decision.ts';

export interface DecisionLineDeps {
  readonly logger: Logger;
  readonly clock: Clock;
  /** Lines a minute for clients that are no devices of ours; what exceeds them is counted and told once. */
  readonly strangersPerMinute: number;
  /** The same for each device of ours: no other one can use up its lines. */
  readonly linesPerDevice: number;
}

const minute = 60_000;
/** Devices told apart in a minute; those beyond share one allowance. */
const mostDevices = 200_000;

/**
 * One line a decision. `decision` is the id of the audit row and of the API, `connection` stands in every row of the
 * same TCP connection, and the line of a session names the decision that let it in. Each device of ours has lines of its
 * own; neither strangers nor a device gone mad must be able to fill the disk.
 */
export function createDecisionLines({
  logger,
  clock,
  strangersPerMinute,
  linesPerDevice,
}: DecisionLineDeps): (decision: Decision) => void {
  let since = 0;
  let lines = 0;
  const ofDevice = new Map<string, number>();
  const turn = (): void => {
    const now = clock.now().getTime();
    if (now - since < minute) return;
    if (lines > strangersPerMinute)
      logger.info({ unreported: lines - strangersPerMinute }, 'decisions about strangers without a line');
    for (const [device, said] of ofDevice)
      if (said > linesPerDevice)
        logger.warn({ device, unreported: said - linesPerDevice }, 'decisions about a device without a line');
    since = now;
    lines = 0;
    ofDevice.clear();
  };
  const hasRoom = ({ peer, deviceId = '' }: Decision): boolean => {
    turn();
    if (peer !== 'known') {
      lines += 1;
      return lines <= strangersPerMinute;
    }
    const device = ofDevice.has(deviceId) || ofDevice.size < mostDevices ? deviceId : '';
    const said = (ofDevice.get(device) ?? 0) + 1;
    ofDevice.set(device, said);
    return said <= linesPerDevice;
  };
  return (decision) => {
    if (!logger.isLevelEnabled('info') && decision.peer !== 'known') return;
    if (!hasRoom(decision)) return;
    const isOursRefused = decision.peer === 'known' && decision.outcome === 'refused';
    logger[isOursRefused ? 'warn' : 'info'](lineOf(decision), 'decision');
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
