import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const root = resolve(import.meta.dirname, '../..');

export interface Running {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no stdout');
  const lines = createInterface({ input: child.stdout });
  const line = await Promise.race([
    once(lines, 'line').then(([text]) => String(text)),
    once(child, 'exit').then(([code]) =>
      Promise.reject(new Error(`the server ended with ${code} before it was ready`)),
    ),
  ]);
  return line;
}

function stopper(child: ChildProcess): () => Promise<void> {
  return async () => {
    if (child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  };
}

/** The floor; see bare-server.ts. */
export async function startBareServer(files: {
  chain: string;
  key: string;
  clientCa: string;
  reply: string;
}): Promise<Running> {
  const script = join(import.meta.dirname, 'bare-server.ts');
  const child = spawn(process.execPath, [script, files.chain, files.key, files.clientCa, files.reply], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = Number(await firstLine(child));
  return { pid: child.pid ?? 0, port, stop: stopper(child) };
}

export interface RunningHems extends Running {
  readonly management: string;
}

/** `hems serve --dev --json` on free ports, as a user starts it. */
export async function startHems(dataDir: string): Promise<RunningHems> {
  const child = spawn(process.execPath, [join(root, 'src/cli/main.ts'), 'serve', '--dev', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      HEMS_DATA_DIR: dataDir,
      HEMS_CWMP_PORT: '0',
      HEMS_MANAGEMENT_PORT: '0',
      HEMS_LOG_LEVEL: 'warn',
    },
  });
  const ready = JSON.parse(await firstLine(child)) as { cwmp: string; management: string; pid: number };
  return { pid: ready.pid, port: Number(new URL(ready.cwmp).port), management: ready.management, stop: stopper(child) };
}
