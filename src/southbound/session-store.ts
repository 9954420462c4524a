import { hash, randomBytes } from 'node:crypto';
import { type CwmpSession, type FailureReason, newSession } from '../cwmp/session.ts';
import { type ModelQuirks, noQuirks } from '../fleet/model-quirks.ts';
import type { Offer } from '../fleet/task-dispatch.ts';
import type { Admission } from '../trust/admission.ts';
import type { SessionEnd } from './door-metrics.ts';

/** A CWMP session of a device; it lives across TCP connections. */
export interface Session {
  /** The cookie's value: 192 random bits. */
  readonly cookie: string;
  readonly deviceId: string;
  /** The certificate it was begun with; another one may not go on with it. */
  readonly fingerprint: string;
  /** Of the connection that it uses now. */
  admission: Admission;
  cwmp: CwmpSession;
  readonly beganAt: number;
  lastAt: number;
  requests: number;
  /** Milliseconds without a request after which it is over. */
  idleTime: number;
  cookieSent: boolean;
  /** Its Inform is stored: before that it is a message, not a session. */
  kept: boolean;
  /** The register refused its Inform. */
  refused: boolean;
  failure: FailureReason | undefined;
  ended: SessionEnd | undefined;
  /** Tasks may wait for the device. */
  tasks: boolean;
  /** What the outstanding request was made for, if it was made here. */
  offer: Offer | undefined;
  /** Of its model. */
  quirks: ModelQuirks;
  /** Somebody wants to see what is said. */
  traced: boolean;
  /** Other nodes can find it. */
  archived: boolean;
  /** Connections that have carried it and are not gone. */
  carriers: number;
}

/** Names the session in records, and gives nothing away: its cookie cannot be told from it. */
export function sessionIdOf({ cookie }: Session): string {
  return hash('sha256', `session ${cookie}`, 'hex').slice(0, 32);
}

export interface SessionStore {
  find(cookie: string): Session | undefined;
  ofDevice(deviceId: string): Session | undefined;
  /** It is over, here and everywhere: nobody need look for it. */
  bury(cookie: string): void;
  isBuried(cookie: string): boolean;
  /** Takes up a session whose Inform is stored; the device's older one, if any, is over and answered. */
  add(session: Session): Session | undefined;
  remove(session: Session): void;
  /** Removes and answers the sessions that are idle or have lasted too long. */
  expired(now: number, sessionTime: number): Session[];
  all(): Session[];
  readonly size: number;
}

/** A session that is not kept yet: that comes with its Inform. */
export function beginSession(admission: Admission, now: number, idleTime: number): Session {
  return {
    cookie: randomBytes(24).toString('base64url'),
    deviceId: admission.deviceId,
    fingerprint: admission.fingerprint,
    admission,
    cwmp: newSession(),
    beganAt: now,
    lastAt: now,
    requests: 0,
    idleTime,
    cookieSent: false,
    kept: false,
    refused: false,
    failure: undefined,
    ended: undefined,
    tasks: false,
    offer: undefined,
    quirks: noQuirks,
    traced: false,
    archived: false,
    carriers: 0,
  };
}

/** Cookies of sessions that are over, for devices that go on sending them. */
const mostBuried = 20_000;

/** Keyed by cookie and by device: one session a device (TR-069 3.7.1.1). */
export function createSessionStore(): SessionStore {
  const byCookie = new Map<string, Session>();
  const byDevice = new Map<string, Session>();
  // In the order of their ends.
  const buried = new Set<string>();
  const remove = (session: Session): void => {
    byCookie.delete(session.cookie);
    if (byDevice.get(session.deviceId) === session) byDevice.delete(session.deviceId);
  };
  return {
    find: (cookie) => byCookie.get(cookie),
    ofDevice: (deviceId) => byDevice.get(deviceId),
    bury: (cookie) => {
      buried.add(cookie);
      for (const oldest of buried) {
        if (buried.size <= mostBuried) break;
        buried.delete(oldest);
      }
    },
    isBuried: (cookie) => buried.has(cookie),
    add: (session) => {
      const older = byDevice.get(session.deviceId);
      const superseded = older === session ? undefined : older;
      if (superseded !== undefined) remove(superseded);
      byCookie.set(session.cookie, session);
      byDevice.set(session.deviceId, session);
      return superseded;
    },
    remove,
    expired: (now, sessionTime) => {
      const over = [...byCookie.values()].filter(
        ({ lastAt, beganAt, idleTime }) => now - lastAt > idleTime || now - beganAt > sessionTime,
      );
      for (const session of over) remove(session);
      return over;
    },
    all: () => [...byCookie.values()],
    get size() {
      return byCookie.size;
    },
  };
}
