/**
 * expected: known, not seen yet. quarantined: recorded, waits for a person. held: a new key waits for approval, the
 * approved keys go on. active. blocked. retired: for good.
 */
export const deviceStates = ['expected', 'quarantined', 'held', 'active', 'blocked', 'retired'] as const;

export type DeviceState = (typeof deviceStates)[number];

/** Whether a device in this state may have a session, or why not. */
export const stateRefusals: Readonly<
  Record<DeviceState, 'device_quarantined' | 'device_blocked' | 'device_retired' | undefined>
> = {
  expected: undefined,
  active: undefined,
  held: undefined,
  quarantined: 'device_quarantined',
  blocked: 'device_blocked',
  retired: 'device_retired',
};

/** A certificate shown: approved keys are let in, held ones wait for a person, refused ones a person turned away. */
export type CertificateState = 'approved' | 'held' | 'refused';
