import { parseArgs } from 'node:util';
import { printRows, type Row } from './row.ts';

const { positionals: wanted, values } = parseArgs({ allowPositionals: true, options: { devices: { type: 'string' } } });
/** Size of the register that `register-million` and `api` fill. */
const devices = values.devices === undefined ? undefined : Number(values.devices);

/** Each part is measured alone, one after the other: the machine has few cores. */
const parts: Record<string, { title: string; run: () => Promise<readonly Row[]> }> = {
  sessions: {
    title: 'An idle session of a known device (TCP, TLS, Inform, 204, close), EC P-256; server CPU',
    run: async () => (await import('./sessions.ts')).benchSessions(),
  },
  flood: {
    title: 'Refused handshakes beside an admitted device',
    run: async () => (await import('./flood.ts')).benchFlood(),
  },
  x509: {
    title: 'Judging certificate paths',
    run: async () => (await import('./x509.ts')).benchX509(),
  },
  crl: {
    title: 'Loading a CRL of a million entries (42 MB)',
    run: async () => (await import('./crl.ts')).benchCrl(),
  },
  ocsp: {
    title: 'Asking about a certificate by OCSP',
    run: async () => (await import('./ocsp.ts')).benchOcsp(),
  },
  'register-million': {
    title: 'A register of --devices N (default: 1 000 000 where this part is named, 20 000 among all)',
    run: async () =>
      (await import('./register-million.ts')).benchRegister(devices ?? (wanted.length > 0 ? 1_000_000 : 20_000)),
  },
  api: {
    title: 'The API at --devices N (default: 1 000 000 where this part is named, 20 000 among all)',
    run: async () => (await import('./api.ts')).benchApi(devices ?? (wanted.length > 0 ? 1_000_000 : 20_000)),
  },
  tasks: {
    title: 'A task that reads 1 000 values (190 KB), beyond an idle session on the same connection; server CPU',
    run: async () => (await import('./tasks.ts')).benchTasks(),
  },
  files: {
    title: 'A 20 MB image to 50 devices at once, beside the sessions of others',
    run: async () => (await import('./files.ts')).benchFiles(),
  },
  cwmp: {
    title: 'Reading and writing CWMP',
    run: async () => (await import('./cwmp.ts')).benchCwmp(),
  },
};

const unknown = wanted.filter((name) => parts[name] === undefined);
if (unknown.length > 0) {
  process.stderr.write(`unknown: ${unknown.join(', ')}; known are ${Object.keys(parts).join(', ')}\n`);
  process.exitCode = 2;
} else {
  process.stdout.write(`Node ${process.version}, OpenSSL ${process.versions.openssl}\n`);
  for (const [name, { title, run }] of Object.entries(parts))
    if (wanted.length === 0 || wanted.includes(name)) printRows(title, await run());
}
