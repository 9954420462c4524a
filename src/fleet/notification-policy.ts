import { hash } from 'node:crypto';
import type { Notification } from '../cwmp/acs-methods.ts';
import type { Inform } from '../cwmp/cpe-methods.ts';
import type { TaskRequest } from './task.ts';

/** Which changes devices are to tell by themselves (TR-069 A.3.2.4). */
export interface NotificationRule {
  /**
   * A path; a leading `*.` stands for the root of the device's data model (Device, InternetGatewayDevice), a path that
   * begins with `**.` for every parameter of the Inform that ends so.
   */
  readonly parameters: string;
  readonly notification: Notification;
}

/** Alarms of FaultMgmt (TR-157 A3) and the states of the cell (TR-196). */
const femtocellRules: readonly NotificationRule[] = [
  { parameters: '*.FaultMgmt.ExpeditedEvent.', notification: 2 },
  { parameters: '*.FaultMgmt.QueuedEvent.', notification: 1 },
  { parameters: '**.OpState', notification: 2 },
  { parameters: '**.RFTxStatus', notification: 2 },
];

const levels = { off: 0, passive: 1, active: 2 } as const;

/** As the configuration has them. */
export type NotificationSetting =
  | 'off'
  | 'femtocell'
  | readonly { readonly parameters: string; readonly notification: keyof typeof levels }[];

export function notificationRules(setting: NotificationSetting): readonly NotificationRule[] {
  if (setting === 'off') return [];
  if (setting === 'femtocell') return femtocellRules;
  return setting.map(({ parameters, notification }) => ({ parameters, notification: levels[notification] }));
}

/** Changes with the rules, so that devices are asked anew when they do. */
export function policyDigest(rules: readonly NotificationRule[]): string {
  return hash('sha256', JSON.stringify(rules), 'hex').slice(0, 16);
}

/** The rules as tasks for the device that sent this Inform; one each, for a device may refuse one and take another. */
export function notificationTasks(rules: readonly NotificationRule[], { parameterList }: Inform): TaskRequest[] {
  const root = parameterList.map(({ name }) => /^(Device|InternetGatewayDevice)\./.exec(name)?.[1]).find(Boolean);
  return rules.flatMap(({ parameters, notification }): TaskRequest[] => {
    const names = parameters.startsWith('**.')
      ? parameterList.flatMap(({ name }) => (name.endsWith(parameters.slice(2)) ? [name] : []))
      : [parameters.replace(/^\*/, root ?? 'Device')];
    if (names.length === 0) return [];
    return [{ kind: 'write-attributes', attributes: names.map((name) => ({ name, notification })) }];
  });
}
