import { readFileSync, statSync } from 'node:fs';
import { LineCounter, parseDocument, type YAMLError } from 'yaml';
import type { ConfigFault } from './fault.ts';

export interface YamlFile {
  readonly content: unknown;
  /** Line of a key, or of the nearest one above it that is in the file. */
  lineOf(path: readonly PropertyKey[]): number | undefined;
}

const largest = 1024 * 1024;

/** Reads one YAML 1.2 document. A list is what is wrong with it. */
export function readYamlFile(file: string): YamlFile | readonly ConfigFault[] {
  let text: string;
  try {
    if (statSync(file).size > largest)
      return [{ key: file, cause: 'is larger than 1 MiB', remedy: 'is it the right file?' }];
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return [
      { key: file, cause: `cannot be read: ${cause}`, remedy: 'check the path and who may read it', missing: true },
    ];
  }
  return parse(text, file);
}

function parse(text: string, file: string): YamlFile | readonly ConfigFault[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, version: '1.2' });
  const problems: readonly YAMLError[] = [...document.errors, ...document.warnings];
  if (problems.length > 0)
    return problems.map((problem) => {
      const { line, col } = lines.linePos(problem.pos[0]);
      return { key: `${file}, line ${line}, column ${col}`, cause: problem.message, remedy: 'mend the YAML there' };
    });
  try {
    // A dozen nested aliases of ten would otherwise unfold to gigabytes.
    const content: unknown = document.toJS({ maxAliasCount: 100 });
    return { content: content ?? {}, lineOf: (path) => lineOf(document, lines, path) };
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return [{ key: file, cause, remedy: 'write the values out instead of using aliases' }];
  }
}

function lineOf(
  document: ReturnType<typeof parseDocument>,
  lines: LineCounter,
  path: readonly PropertyKey[],
): number | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true) as { range?: readonly number[] | null } | undefined;
    const start = node?.range?.[0];
    if (start !== undefined) return lines.linePos(start).line;
  }
  return undefined;
}
