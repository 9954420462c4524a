import { isIP } from 'node:net';

/** Whether an address to bind to can be reached from this machine alone. */
export function isLoopback(address: string): boolean {
  if (address === 'localhost') return true;
  return isIP(address) === 4 ? address.startsWith('127.') : address === '::1';
}
