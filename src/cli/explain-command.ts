import type { Command } from 'commander';
import type { StoredAnswer, StoredVerdict } from '../trust/evidence.ts';
import type { ExplainedDecision, ExplainedSuspicion } from '../trust/explain.ts';
import { wholeNumber } from './arguments.ts';
import { oneDevice } from './device-access.ts';
import { exitCodes, failure } from './failure.ts';
import { withDecisions } from './decision-access.ts';
import { type RevocationOptions, revocationOptions } from './revocation-access.ts';
import { paint, print, printable, printJson } from './terminal.ts';

export function addExplainCommand(hems: Command): void {
  revocationOptions(hems.command('explain'))
    .description('why a device was let in or refused: the stored evidence of a past decision')
    .argument('<device-or-event>', 'a device (id, identity, OUI-Serial, fingerprint), or the id of a decision')
    .option('--last <n>', 'how many decisions of a device, newest first', wholeNumber(1, 1000), 1)
    .action(explain);
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

async function explain(text: string, options: RevocationOptions & { readonly last: number }): Promise<void> {
  await withDecisions(options, async (reading, register) => {
    const event = uuid.test(text) ? await reading.one(text) : undefined;
    const decisions =
      event === undefined ? await reading.ofDevice(await oneDevice(register, text), options.last) : [event];
    if (decisions.length === 0) throw failure(exitCodes.no, `no decision about ${text} is recorded`);
    if (options.json === true) return void printJson(decisions);
    for (const [index, decision] of decisions.entries()) {
      if (index > 0) print('');
      printDecision(decision);
    }
  });
}

function line(label: string, text: string | null | undefined): void {
  if (text !== null && text !== undefined && text !== '') print(`${label.padEnd(13)}${printable(text, 500)}`);
}

function printDecision(decision: ExplainedDecision): void {
  const { outcome, at, stage, reason, detail, verdict } = decision;
  const admitted = outcome === 'admitted';
  print(
    `${paint(admitted ? 'green' : 'red', outcome)} ${at.toISOString()}${admitted ? '' : `  ${stage}: ${reason} (${detail})`}`,
  );
  line('decision', decision.id);
  line('device', decision.device_id ?? `none of the register (${decision.peer})`);
  line('identity', decision.identity);
  line('anchor', decision.anchor);
  line('certificate', decision.fingerprint);
  line('subject', decision.subject);
  line('listener', `${decision.listener}, from ${decision.remote_address ?? '?'}:${decision.remote_port}`);
  line(
    'TLS',
    [decision.tls_version, decision.cipher_suite, decision.resumed === true ? 'resumed' : ''].filter(Boolean).join(' '),
  );
  for (const suspicion of decision.suspicions) line('suspicion', suspicionText(suspicion));
  if (verdict === null) line('revocation', 'was not reached, or was decided before evidence was kept');
  else printVerdict(verdict);
}

const serialText = (names: Readonly<Record<string, unknown>>): string =>
  [names.oui, names.productClass, names.serialNumber]
    .filter((part) => typeof part === 'string' && part !== '')
    .join('-');

function suspicionText({ at, kind, evidence }: ExplainedSuspicion): string {
  const { known, ...seen } = evidence;
  const registered = typeof known === 'object' && known !== null ? serialText({ ...known }) : '';
  const what =
    kind === 'two_claims'
      ? `it says to be ${serialText(seen) || 'nobody'}, and ${registered === '' ? 'has no serial yet' : `is ${registered}`}`
      : JSON.stringify(seen);
  return `${kind}, ${at.toISOString()}: ${what}`;
}

function printVerdict(verdict: StoredVerdict): void {
  const { outcome, version, tolerated, validUntil, cause, detail } = verdict;
  const why = cause === undefined ? '' : `: ${cause} (${detail})`;
  line('revocation', `${outcome}${why}`);
  line('policy', version === 'none' ? 'none for this anchor: revocation was not checked' : `version ${version}`);
  if (tolerated.length > 0) line('tolerated', tolerated.join(', '));
  line('valid until', validUntil);
  for (const { certificate, role, answers } of verdict.asked) {
    print(`  ${role === 'ca' ? 'CA' : 'device'} certificate ${certificate}`);
    if (answers.length === 0) print('    nobody was asked');
    for (const answer of answers) print(`    ${printable(answerText(answer), 500)}`);
  }
}

function answerText(answer: StoredAnswer): string {
  const said =
    answer.kind === 'unknown'
      ? `unknown, ${answer.cause}${answer.detail === undefined ? '' : ` (${answer.detail})`}`
      : answer.kind === 'revoked'
        ? `REVOKED since ${answer.revokedAt}, ${answer.reason}`
        : 'good';
  const dated = answer.thisUpdate === undefined ? '' : `, of ${answer.thisUpdate}`;
  const until = answer.nextUpdate === undefined ? '' : ` until ${answer.nextUpdate}`;
  const number = answer.number === undefined ? '' : `, CRL number ${answer.number}`;
  const basis = answer.sha256 === undefined ? '' : `, sha256 ${answer.sha256.slice(0, 16)}`;
  return `${answer.source}: ${said}${dated}${until}${number}${basis}`;
}
