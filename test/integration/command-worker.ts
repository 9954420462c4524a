/** The other side of `commands.ts`: runs command lines one after the other, as `main.ts` runs its one. */
import { parentPort } from 'node:worker_threads';
import { runProgram } from '../../src/cli/program.ts';
import type { Ran, ToRun } from './commands.ts';

const streams = { stdout: process.stdout, stderr: process.stderr };

/** What is written to a stream from now on; `end` gives it its own way back. */
function captured(stream: NodeJS.WriteStream) {
  const parts: Buffer[] = [];
  const own = stream.write;
  stream.write = ((chunk: string | Uint8Array, ...more: readonly unknown[]) => {
    parts.push(Buffer.from(chunk as string));
    for (const callback of more) if (typeof callback === 'function') callback();
    return true;
  }) as typeof own;
  return () => {
    stream.write = own;
    stream.removeAllListeners('error');
    return Buffer.concat(parts).toString();
  };
}

async function run({ args }: ToRun): Promise<Ran> {
  process.exitCode = undefined;
  const ends = [captured(streams.stdout), captured(streams.stderr)] as const;
  let code: number | undefined;
  try {
    code = await runProgram(['node', 'hems', ...args]);
  } finally {
    code ??= Number(process.exitCode ?? 0);
    process.exitCode = undefined;
  }
  return { code, stdout: ends[0](), stderr: ends[1]() };
}

parentPort?.on('message', (wanted: ToRun) => {
  run(wanted).then(
    (ran) => parentPort?.postMessage({ ...ran, id: wanted.id }),
    (error: unknown) => parentPort?.postMessage({ id: wanted.id, code: 70, stdout: '', stderr: String(error) }),
  );
});
