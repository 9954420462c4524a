import { levelOf, type ProfileName, profileRules, profiles, type RuleLevel } from '../x509/profile.ts';
import { type Colour, print, printJson, table } from './terminal.ts';

const colours: Readonly<Record<RuleLevel, Colour>> = { refuse: 'red', warn: 'yellow', off: 'dim' };

/** The rules, in the order in which they are looked at. */
export function printProfile(options: { readonly profile: ProfileName; readonly json?: boolean }): void {
  const profile = profiles[options.profile];
  const rules = profileRules.map(({ name, clause, summary, applies }) => {
    return { rule: name, level: levelOf(profile, name), applies, clause, summary };
  });
  if (options.json === true) return void printJson({ profile: profile.name, rules });
  print(
    table(rules, [
      { title: 'RULE', value: ({ rule }) => rule },
      { title: 'LEVEL', value: ({ level }) => level, colour: ({ level }) => colours[level] },
      { title: 'APPLIES TO', value: ({ applies }) => applies },
      { title: 'CLAUSE', value: ({ clause }) => clause },
      { title: 'WHAT IT ASKS', value: ({ summary }) => summary, limit: 200 },
    ]),
  );
  print('\nOn top of RFC 5280 6.1, which always holds. An anchor may set each rule itself: anchors[].rules.');
}
