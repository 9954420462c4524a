import { StartError } from './fault.ts';

/** What node:net says of an address or port of the configuration, with its key; anything else as it is. */
export function bindFault(key: string, { address, port }: { address: string; port: number }, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const causes: Record<string, readonly [cause: string, remedy: string]> = {
    EADDRINUSE: [
      `port ${port} at ${address} is taken`,
      'stop what listens there, or set another port (HEMS_CWMP_PORT, HEMS_MANAGEMENT_PORT; 0: any free one)',
    ],
    EACCES: [`this user may not bind port ${port}`, 'choose a port above 1023, or grant CAP_NET_BIND_SERVICE'],
    EADDRNOTAVAIL: [`${address} is no address of this machine`, 'write one that is, or 0.0.0.0 for all'],
    ENOTFOUND: [`${address} cannot be resolved`, 'write an IP address'],
  };
  const known = causes[code];
  if (known === undefined) return error;
  return new StartError([
    {
      key: `${key}.${code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' ? 'address' : 'port'}`,
      cause: known[0],
      remedy: known[1],
      missing: true,
    },
  ]);
}
