import { readFile } from 'node:fs/promises';
import type { AnchorConfig } from '../config/schema.ts';
import { countUnkeptCertificates, readShownPaths } from '../fleet/shown-certificates.ts';
import { systemClock } from '../platform/clock.ts';
import { loadAnchors } from '../trust/anchors.ts';
import { type AnchorSurvey, type SurveyedAnchor, surveyCertificates } from '../trust/certificate-survey.ts';
import { type ProfileName, profiles, type RuleLevel } from '../x509/profile.ts';
import { type ConfigOptions, commandLogger, toolConfig } from './configuration.ts';
import { withDatabase } from './database-access.ts';
import { configFailure } from './failure.ts';
import { serverApi } from './server/server-api.ts';
import { type Colour, paint, print, printable, printJson, table } from './terminal.ts';

interface SurveyOptions extends ConfigOptions {
  readonly profile: ProfileName;
  readonly json?: boolean;
}

/** Anchors that are configured are surveyed under their own rules, all others under the profile asked for. */
export async function survey(options: SurveyOptions): Promise<void> {
  const api = serverApi(options);
  if (api !== undefined)
    return tell(await api.get<Surveyed>('/api/v1/certificate-survey', { profile: options.profile }), options);
  const config = toolConfig(options);
  const anchors = await surveyedAnchors(config.anchors);
  const otherwise = profiles[options.profile];
  await withDatabase({ config, logger: commandLogger(config) }, async (db) => {
    const unkept = await countUnkeptCertificates(db);
    const surveys = await surveyCertificates(readShownPaths(db), anchors, otherwise);
    tell({ anchors: surveys, unkept }, options);
  });
}

interface Surveyed {
  readonly anchors: readonly AnchorSurvey[];
  readonly unkept: number;
}

function tell({ anchors, unkept }: Surveyed, { json }: SurveyOptions): void {
  if (json === true) printJson({ anchors, unkept });
  else printSurveys(anchors, unkept);
}

async function surveyedAnchors(configs: readonly AnchorConfig[]): Promise<ReadonlyMap<string, SurveyedAnchor>> {
  const options = { readFile: (path: string) => readFile(path, 'latin1'), at: systemClock.now(), production: false };
  const loaded = await loadAnchors(configs, options);
  if (!loaded.ok) throw configFailure(loaded.faults);
  return new Map(loaded.anchors.map(({ name, path }) => [name, path]));
}

const colours: Readonly<Record<RuleLevel, Colour>> = { refuse: 'red', warn: 'yellow', off: 'dim' };

function printSurveys(surveys: readonly AnchorSurvey[], unkept: number): void {
  if (surveys.length === 0) print('No certificate was shown yet.');
  for (const { anchor, certificates, rules } of surveys) {
    print(`${paint('bold', printable(anchor))}: ${certificates} certificate(s)`);
    if (rules.length === 0) print('  all of them keep every rule');
    else print(indented(rulesTable(rules, certificates)));
  }
  if (unkept > 0) print(`${unkept} certificate(s) were seen before certificates were kept, and could not be surveyed.`);
}

function rulesTable(rules: AnchorSurvey['rules'], certificates: number): string {
  return table(rules, [
    { title: 'RULE', value: ({ rule }) => rule },
    { title: 'LEVEL', value: ({ level }) => level, colour: ({ level }) => colours[level] },
    { title: 'WOULD REFUSE', value: ({ breaking }) => `${breaking} (${share(breaking, certificates)})` },
    { title: 'CLAUSE', value: ({ clause }) => clause },
  ]);
}

function share(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(1)} %`;
}

function indented(text: string): string {
  return text.replace(/^/gm, '  ');
}
