import { keepCompiled } from './compile-cache.ts';

keepCompiled();
const { runProgram } = await import('./program.ts');
const code = await runProgram(process.argv);
if (code !== undefined) process.exitCode = code;
