import type { Inform } from '../cwmp/cpe-methods.ts';
import type { Input } from '../cwmp/session.ts';
import type { CwmpVersion } from '../cwmp/versions.ts';
import type { Runner } from './session-deps.ts';
import { finish } from './session-ending.ts';
import { sessionBegan } from './session-spans.ts';
import type { Session } from './session-store.ts';

/** TR-069 3.7.2.4: a CPE may take 30 s for its next message. */
const leastIdleTime = 30_000;

/** TR-069 A.5.2: the device ends its session and begins another one in its time. */
const tooLate = 8002;

/** TR-069 3.7.1.5: InformResponse makes the device forget its events, so it waits until they are on disk. */
export async function storeInform(
  runner: Runner,
  session: Session,
  inform: Inform,
  cwmpVersion: CwmpVersion,
): Promise<Input> {
  runner.informsInFlight += 1;
  const { admission } = session;
  const outcome = await runner.recordInform({ connection: admission, inform, cwmpVersion }).finally(() => {
    runner.informsInFlight -= 1;
  });
  if (outcome.kind === 'refused') {
    session.refused = true;
    runner.gate.refuseSession(admission, outcome.reason, outcome.detail);
    return { kind: 'inform-refused', faultCode: 8001 };
  }
  const other = runner.store.ofDevice(session.deviceId);
  // TR-069 3.7.1.1: one session a device. This one took so long that the device has begun the next one meanwhile.
  if (other !== undefined && other.beganAt > session.beganAt) return { kind: 'inform-refused', faultCode: tooLate };
  const superseded = runner.store.add(session);
  if (superseded !== undefined) finish(runner, superseded, 'superseded');
  const { sessionTimeout } = session.cwmp;
  const { idleTime, sessionTime } = runner.limits;
  session.idleTime =
    sessionTimeout === undefined ? idleTime : Math.min(Math.max(sessionTimeout * 1000, leastIdleTime), sessionTime);
  session.kept = true;
  session.tasks = outcome.hasTasks;
  session.traced = outcome.traced;
  session.quirks = runner.quirksOf(inform.deviceId);
  runner.metrics.sessionBegan();
  sessionBegan(session);
  return { kind: 'inform-stored' };
}
