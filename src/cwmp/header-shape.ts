import type { CpeHeaders } from './messages.ts';
import { struct, text } from './shape.ts';
import { shortText } from './value-shapes.ts';
import { trimSpace } from './white-space.ts';

/** An unsignedInt that is passed over where it is none. */
const hint = text('shortText', (value) => (/^\d{1,9}$/.test(trimSpace(value)) ? Number(trimSpace(value)) : undefined));

const versions = text('shortText', (value) =>
  value
    .split(',')
    .map(trimSpace)
    .filter((version) => version !== ''),
);

/** Headers that are ours but say nothing to an ACS: those that only an ACS may send, and one of 2004. */
export const idleHeaders: readonly string[] = ['HoldRequests', 'UseCWMPVersion', 'NoMoreRequests'];

export const headerShape = struct(
  { ID: shortText, SessionTimeout: hint, SupportedCWMPVersions: versions },
  (read): CpeHeaders => ({
    // Unchanged, white space included, for the device compares it.
    id: read.ID,
    sessionTimeout: read.SessionTimeout,
    supportedCwmpVersions: read.SupportedCWMPVersions,
  }),
);
