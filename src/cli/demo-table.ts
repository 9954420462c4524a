import type { StepOutcome } from './demo-run.ts';
import { paint, printable } from './terminal.ts';

const widths = { who: 78, decision: 66, peer: 13 } as const;

export function demoHead(): string {
  const head = `   ${'CLIENT'.padEnd(widths.who)}  ${'DECISION'.padEnd(widths.decision)}  ${'PEER'.padEnd(widths.peer)}  CLIENT SAW`;
  return paint('bold', head);
}

export function demoRow(outcome: StepOutcome): string {
  const right = outcome.differences.length === 0;
  const mark = right ? paint('green', 'ok') : paint('red', '!!');
  // Where a scenario has one step, its label says no more than the title.
  const who = /^(Inform|ClientHello|POST)$/.test(outcome.step)
    ? outcome.scenario
    : `${outcome.scenario}: ${outcome.step}`;
  const why = outcome.reason === undefined ? '' : ` ${outcome.reason} (${outcome.detail ?? ''})`;
  const decision = printable(`${outcome.decision}${why}`).padEnd(widths.decision);
  const colour = outcome.decision === 'admitted' ? 'green' : 'yellow';
  const row = [
    `${mark} ${printable(who, widths.who).padEnd(widths.who)}`,
    paint(colour, decision),
    (outcome.peer ?? '-').padEnd(widths.peer),
    printable(outcome.client),
  ].join('  ');
  return right ? row : `${row}\n   ${paint('red', printable(outcome.differences.join('; '), 500))}`;
}
