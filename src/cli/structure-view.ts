import { paint, print, printable } from './terminal.ts';

/** One structure as a person reads it: a title, lines of name and value, and what is wrong with it. */
export interface StructureView {
  readonly title: string;
  readonly lines: readonly ViewLine[];
  readonly marks: readonly ViewMark[];
}

/** Values are printed escaped and cut: strangers wrote them. */
export type ViewLine = readonly [name: string, value: string];

/** A rule that is broken. */
export interface ViewMark {
  readonly level: 'refuse' | 'warn';
  readonly rule: string;
  readonly clause: string;
  readonly message: string;
}

const longest = 600;

export function printView({ title, lines, marks }: StructureView): void {
  print(paint('bold', printable(title, longest)));
  const width = Math.max(...lines.map(([name]) => name.length));
  for (const [name, value] of lines) print(`  ${printable(name).padEnd(width)}  ${printable(value, longest)}`);
  for (const { level, rule, clause, message } of marks) {
    const mark = level === 'refuse' ? paint('red', '✗ refused') : paint('yellow', '! warning');
    print(`  ${mark} ${rule}: ${printable(message, longest)} ${paint('dim', `[${clause}]`)}`);
  }
}

export const momentText = (at: Date): string => `${at.toISOString().slice(0, 19)}Z`;

/** At most so many of a list, and how many more there are. */
export function listText(texts: readonly string[], most = 12): string {
  const shown = texts.slice(0, most).join(', ');
  return texts.length > most ? `${shown}, and ${texts.length - most} more` : shown;
}
