import { join, resolve } from 'node:path';
import { stateDiagram, transitionTable } from '../../src/fleet/transitions.ts';

export const registerPage = join(resolve(import.meta.dirname, '../..'), 'docs/register.md');

const section =
  /(<!-- states: written by test\/support\/write-register-page\.ts -->\n)[\s\S]*?(<!-- end of states -->)/;

/** The page with its states drawn from the code. */
export function withStates(page: string): string {
  if (!section.test(page)) throw new Error('docs/register.md has no place for the states');
  const drawn = `\n\`\`\`mermaid\n${stateDiagram()}\n\`\`\`\n\n${transitionTable()}\n\n`;
  return page.replace(section, (_, head: string, end: string) => `${head}${drawn}${end}`);
}
