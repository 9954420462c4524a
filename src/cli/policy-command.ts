import type { Command } from 'commander';
import { stringify } from 'yaml';
import { systemClock } from '../platform/clock.ts';
import {
  applyWeighed,
  type Overtaken,
  rollBackWeighed,
  type Unconfirmed,
  weighPolicy,
} from '../trust/revocation/desk.ts';
import {
  currentOverride,
  currentPolicy,
  longestOverride,
  override,
  policies,
} from '../trust/revocation/policy-store.ts';
import { uncheckedAnchors } from '../trust/revocation-policy.ts';
import { instant, span, wholeNumber } from './arguments.ts';
import { exitCodes, failure } from './failure.ts';
import { byOperator } from './operator.ts';
import { policyExample, readPolicyFile } from './policy-file.ts';
import {
  printImpact,
  type RevocationOptions,
  refuseUnconfirmed,
  revocationOptions,
  toolAnchors,
  withDesk,
  withRevocationDatabase,
} from './revocation-access.ts';
import { print, printJson } from './terminal.ts';

interface OverrideOptions extends RevocationOptions {
  readonly until?: Date;
  readonly end?: boolean;
}

export function addPolicyCommands(hems: Command): void {
  const policy = hems
    .command('policy')
    .description(`the revocation policy: which sources are asked, and what their answers mean (${policyExample})`);
  revocationOptions(policy.command('show'))
    .description('the policy in force, its version, and what is relaxed at the moment')
    .option('--history', 'the versions, newest first')
    .action(show);
  revocationOptions(policy.command('check'))
    .description('every fault of a policy file; who of the active devices it would refuse, by cause')
    .argument('<file>', 'YAML')
    .option('--syntax', 'the file alone, without database')
    .option('--offline', 'do not fetch the CRLs that it names and no node has yet')
    .action(check);
  revocationOptions(policy.command('apply'))
    .description('make a policy file the next version, on all nodes, without a restart')
    .argument('<file>', 'YAML')
    .option('--offline', 'do not fetch the CRLs that it names and no node has yet')
    .option('--reason <text>', 'for the audit')
    .option('--confirm <n>', 'how many devices are meant to be cut off', wholeNumber(1, 999_999_999))
    .action(apply);
  revocationOptions(policy.command('rollback'))
    .description('make an older version the next one')
    .argument('<version>', 'see "hems policy show --history"', wholeNumber(1, 999_999_999))
    .requiredOption('--reason <text>', 'for the audit')
    .option('--confirm <n>', 'how many devices are meant to be cut off', wholeNumber(1, 999_999_999))
    .action(rollback);
  revocationOptions(policy.command('override'))
    .description('tolerate unknown and stale for a time, at most 24 h; never revoked')
    .option('--until <time>', '2026-01-31T12:00:00Z, or a span from now: 30m, 4h', timeAhead)
    .option('--end', 'end the override now')
    .requiredOption('--reason <text>', 'why, for the audit')
    .action(relax);
}

async function show(options: RevocationOptions & { readonly history?: boolean }): Promise<void> {
  await withRevocationDatabase(options, async (db) => {
    if (options.history === true) {
      const all = await policies(db, 100);
      if (options.json === true) return void printJson(all.map(({ content: _, document: __, ...rest }) => rest));
      for (const { version, appliedAt, appliedBy, reason, restores } of all)
        print(
          `${version}  ${appliedAt.toISOString()}  ${appliedBy}${restores === undefined ? '' : `  (version ${restores} again)`}${reason === undefined ? '' : `  ${reason}`}`,
        );
      return;
    }
    const current = await currentPolicy(db);
    const relaxed = await currentOverride(db);
    const override = relaxed !== undefined && relaxed.until > systemClock.now() ? relaxed : undefined;
    if (options.json === true)
      return void printJson({
        version: current?.version ?? null,
        policy: current?.content ?? null,
        appliedAt: current?.appliedAt ?? null,
        appliedBy: current?.appliedBy ?? null,
        override: override ?? null,
      });
    if (current === undefined)
      print('There is no policy: revocation is not checked, and every admission is marked unchecked.');
    else {
      print(`# version ${current.version}, applied ${current.appliedAt.toISOString()} by ${current.appliedBy}`);
      print(stringify(current.content).trimEnd());
    }
    if (override !== undefined)
      print(`# relaxed until ${override.until.toISOString()} by ${override.by}: ${override.reason}`);
  });
}

async function check(file: string, options: RevocationOptions & { readonly syntax?: boolean }): Promise<void> {
  if (options.syntax === true) {
    readPolicyFile(file);
    return options.json === true ? printJson({ ok: true }) : print('The policy is in order.');
  }
  const anchors = await toolAnchors(options);
  const names = anchors.map(({ name }) => name);
  const { document } = readPolicyFile(file, names);
  await withDesk(options, async (desk) => {
    const impact = await weighPolicy(desk, document);
    const unchecked = uncheckedAnchors(document, names);
    if (options.json === true) return void printJson({ ok: true, unchecked, impact });
    print('The policy is in order.');
    printUnchecked(unchecked);
    printImpact(impact);
  });
}

function printUnchecked(anchors: readonly string[]): void {
  if (anchors.length > 0) print(`Revocation is not checked for ${anchors.join(', ')}.`);
}

async function apply(file: string, options: RevocationOptions): Promise<void> {
  const anchors = await toolAnchors(options);
  const names = anchors.map(({ name }) => name);
  const read = readPolicyFile(file, names);
  await withDesk(options, async (desk) => {
    const result = await applyWeighed(desk, read, byOperator(options.reason), { confirmed: options.confirm });
    if (!result.ok) return refuseApplied(result, options.json);
    if (options.json === true) return void printJson(result);
    print(`Version ${result.version} of the policy is in force.`);
    printUnchecked(uncheckedAnchors(read.document, names));
    printImpact(result.impact);
  });
}

async function rollback(version: number, options: RevocationOptions): Promise<void> {
  await withDesk(options, async (desk) => {
    const result = await rollBackWeighed(desk, version, byOperator(options.reason), { confirmed: options.confirm });
    if (result === undefined)
      throw failure(exitCodes.no, `there is no version ${version} of the policy`, 'see "hems policy show --history"');
    if (!result.ok) return refuseApplied(result, options.json);
    if (options.json === true) return void printJson({ ...result, restores: version });
    print(`Version ${result.version} of the policy is in force: version ${version} again.`);
    printImpact(result.impact);
  });
}

function refuseApplied(result: Unconfirmed | Overtaken, json: boolean | undefined): never {
  if (result.kind === 'unconfirmed') return refuseUnconfirmed(result, json);
  throw failure(exitCodes.no, `version ${result.version} of the policy is in force by now`, 'look at it first');
}

async function relax({ until: ahead, end, reason = '', ...options }: OverrideOptions): Promise<void> {
  const at = systemClock.now();
  if ((ahead === undefined) === (end !== true))
    throw failure(exitCodes.usage, 'say either --until TIME or --end', 'such as --until 4h');
  const until = ahead ?? at;
  if (end !== true && until <= at) throw failure(exitCodes.usage, 'the end of an override lies ahead', 'such as 4h');
  if (until.getTime() > at.getTime() + longestOverride)
    throw failure(exitCodes.usage, 'an override lasts 24 hours at most', 'such as --until 24h; renew it if need be');
  if (reason.trim() === '') throw failure(exitCodes.usage, '--reason is empty', 'say why, for the audit');
  await withRevocationDatabase(options, async (db) => {
    await override(db, until, { ...byOperator(reason), reason }, at);
    if (options.json === true) printJson({ ok: true, until });
    else
      print(
        end === true
          ? 'The policy is as strict as it is written again.'
          : `Until ${until.toISOString()} unknown and stale are tolerated; revoked never is.`,
      );
  });
}

function timeAhead(text: string): Date {
  return /^\d{1,4}[smhd]$/.test(text) ? new Date(systemClock.now().getTime() + span(text)) : instant(text);
}
