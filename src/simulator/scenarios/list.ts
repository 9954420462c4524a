import { badCertificateScenarios } from './bad-certificates.ts';
import { carriedSessionScenarios } from './carried-sessions.ts';
import { createCast } from './cast.ts';
import { goodDevices } from './good-devices.ts';
import { hopelessClientScenarios } from './hopeless-clients.ts';
import type { Scenario } from './scenario.ts';
import { wrongIdentityScenarios } from './wrong-identities.ts';

/**
 * Every way in which a real world would try the door. `run` (any number) tells apart the devices of several runs on the
 * same data. Needs listeners as `demoDoors` says and the anchors of the development PKI with their default policies:
 * registration known-only, a manufacturer's new key held, shared secrets refused.
 */
export function demoScenarios(run: number): Scenario[] {
  const cast = createCast(run);
  return [
    ...goodDevices(cast),
    ...badCertificateScenarios(cast),
    ...wrongIdentityScenarios(cast),
    ...carriedSessionScenarios(cast),
    ...hopelessClientScenarios(),
  ];
}
