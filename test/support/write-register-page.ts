/** Draws the states in `docs/register.md` from the code: `node test/support/write-register-page.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { registerPage, withStates } from './register-page.ts';

writeFileSync(registerPage, withStates(readFileSync(registerPage, 'utf8')));
