import type { Command } from 'commander';
import { stringify } from 'yaml';
import { systemClock } from '../platform/clock.ts';
import { staffAnchorName } from '../trust/access/staff-certificates.ts';
import type { Overtaken, Unconfirmed } from '../trust/revocation/desk.ts';
import { longestOverride } from '../trust/revocation/policy-store.ts';
import { instant, span, wholeNumber } from './arguments.ts';
import { toolConfig } from './configuration.ts';
import { exitCodes, failure } from './failure.ts';
import { byOperator } from './operator.ts';
import { policyExample, policyFailure, readPolicyFile } from './policy-file.ts';
import {
  printImpact,
  type RevocationOptions,
  refuseUnconfirmed,
  revocationOptions,
  toolAnchors,
  withDesk,
  withReadingDesk,
} from './revocation-access.ts';
import { serverApi } from './server/server-api.ts';
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
  await withReadingDesk(options, async (desk) => {
    if (options.history === true) {
      const all = await desk.versions(100);
      if (options.json === true) return void printJson(all.map(({ content: _, ...rest }) => rest));
      for (const { version, appliedAt, appliedBy, reason, restores } of all)
        print(
          `${version}  ${appliedAt.toISOString()}  ${appliedBy}${restores === undefined ? '' : `  (version ${restores} again)`}${reason === undefined ? '' : `  ${reason}`}`,
        );
      return;
    }
    const { policy: current, override } = await desk.policyNow();
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
  const { content, located } = readPolicyFile(file, await knownNames(options));
  await withDesk(options, async (desk) => {
    const result = await desk.weigh({ content, offline: options.offline });
    if (!result.ok) throw policyFailure(located(result.faults));
    const { unchecked, impact } = result;
    if (options.json === true) return void printJson({ ok: true, unchecked, impact });
    print('The policy is in order.');
    printUnchecked(unchecked);
    printImpact(impact);
  });
}

/** Undefined: the server knows them, and judges the names in the policy. */
async function knownNames(options: RevocationOptions): Promise<readonly string[] | undefined> {
  if (serverApi(options) !== undefined) return undefined;
  const names = (await toolAnchors(options)).map(({ name }) => name);
  return toolConfig(options).management.clientCertificates === undefined ? names : [...names, staffAnchorName];
}

function printUnchecked(anchors: readonly string[]): void {
  if (anchors.length > 0) print(`Revocation is not checked for ${anchors.join(', ')}.`);
}

async function apply(file: string, options: RevocationOptions): Promise<void> {
  const { content, located } = readPolicyFile(file, await knownNames(options));
  await withDesk(options, async (desk) => {
    const said = { confirmed: options.confirm };
    const result = await desk.apply({ content, offline: options.offline }, byOperator(options.reason), said);
    if (!result.ok && result.kind === 'faulty') throw policyFailure(located(result.faults));
    if (!result.ok) return refuseApplied(result, options.json);
    const { unchecked = [], ...applied } = result;
    if (options.json === true) return void printJson(applied);
    print(`Version ${applied.version} of the policy is in force.`);
    printUnchecked(unchecked);
    printImpact(applied.impact);
  });
}

async function rollback(version: number, options: RevocationOptions): Promise<void> {
  await withDesk(options, async (desk) => {
    const result = await desk.rollBack(version, byOperator(options.reason), { confirmed: options.confirm });
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
  if (ahead !== undefined && ahead <= at)
    throw failure(exitCodes.usage, 'the end of an override lies ahead', 'such as 4h');
  if (ahead !== undefined && ahead.getTime() > at.getTime() + longestOverride)
    throw failure(exitCodes.usage, 'an override lasts 24 hours at most', 'such as --until 24h; renew it if need be');
  if (reason.trim() === '') throw failure(exitCodes.usage, '--reason is empty', 'say why, for the audit');
  await withReadingDesk(options, async (desk) => {
    const until = await desk.override(ahead, { ...byOperator(reason), reason });
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
