import { hostname, userInfo } from 'node:os';
import type { By } from '../fleet/register.ts';

/** Who sits at this terminal, for the audit: `maria@noc-7`. */
export function byOperator(reason?: string): By {
  return { actor: { kind: 'cli', name: `${user()}@${hostname()}` }, ...(reason !== undefined && { reason }) };
}

function user(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a user id that has no name.
    return String(process.getuid?.() ?? 'unknown');
  }
}
