/** `rules`: rules as files. Checks, says, explains and compares them without a ledger; brings them in and out of one. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { EventType } from '../../domain/event.ts';
import { parseDay } from '../../rules/calendar.ts';
import { type CheckedRule, readRule } from '../../rules/check/rule.ts';
import { type Asked, askedFaults } from '../../rules/check/tests.ts';
import { layoutOf, readProfile } from '../../rules/population/profile.ts';
import { type Explanation, explain } from '../../rules/say/explanation.ts';
import { differenceOf } from '../../rules/say/rule-difference.ts';
import { ruleText } from '../../rules/say/rule-text.ts';
import { sentenceOf } from '../../rules/say/sentence.ts';
import type { Command } from './commands.ts';
import { runCommand, say, UsageError } from './ledger.ts';
import {
  jsonFilesIn,
  PUBLISHED,
  readLanguage,
  readObject,
  readRuleFile,
  sayEach,
  sayFaults,
  sayWarnings,
  shippedContext,
} from './rule-files.ts';
import { exportRules, importRules, liveRule } from './rules-ledger.ts';

const USAGE = `usage: npm run allim -- rules test [RULE…]              checks rules and judges their test citizens; all that ship without a RULE
       npm run allim -- rules explain RULE              what its condition says
             [--test NAME | --citizen JSON --event JSON --as-of DAY] [--json]     and why it concerns a citizen or not
       npm run allim -- rules diff BEFORE AFTER         what the second says differently, and whom of the test citizens it concerns
       npm run allim -- rules format [RULE…] [--write]  the files whose text is not in the one form; --write brings them into it
       npm run allim -- rules import FILE… [--json-logic] [--publish] [--dry-run]     drafts in the ledger
       npm run allim -- rules export FOLDER [ID…]       live rules of the ledger as files
RULE:  a file, the id of a rule that ships, or live:ID for the one that is live in the ledger
JSON:  an object or a file with one. Everywhere: --locale ko|en|vi (default en), --types FOLDER with event types of your own`;

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        locale: { ...text, default: 'en' },
        types: { ...text, multiple: true, default: [] },
        test: text,
        citizen: text,
        event: text,
        'as-of': text,
        json: flag,
        write: flag,
        publish: flag,
        'dry-run': flag,
        'json-logic': flag,
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

export type Given = ReturnType<typeof parse>['values'];

export const rulesCommand: Command = {
  does: 'rules as files: test, explain, diff, format, import, export',
  async run(argv) {
    let failed = false;
    const code = await runCommand(USAGE, async () => {
      const { values, positionals } = parse(argv);
      const [action = '', ...names] = positionals;
      switch (action) {
        case 'test':
          failed = !testRules(names, values);
          break;
        case 'explain':
          failed = !(await explainRule(names, values));
          break;
        case 'diff':
          failed = !(await compareRules(names, values));
          break;
        case 'format':
          failed = !formatRules(names, values);
          break;
        case 'import':
          failed = !(await importRules(names, values));
          break;
        case 'export':
          await exportRules(names);
          break;
        default:
          throw new UsageError('say what: test, explain, diff, format, import, export');
      }
    });
    return code === 0 && failed ? 1 : code;
  },
};

const orAll = (names: readonly string[]): readonly string[] =>
  names.length > 0 ? names : jsonFilesIn(PUBLISHED);

/** Whether all are right. */
function testRules(names: readonly string[], { locale, types }: Given): boolean {
  const language = readLanguage(locale);
  const context = shippedContext(types);
  let wrong = 0;
  for (const name of orAll(names))
    try {
      const checked = readRule(readRuleFile(name).json, context);
      say(`${checked.rule.id}: ${checked.rule.tests.length} test citizens come out as expected`);
      sayWarnings(checked, language);
    } catch (error) {
      if (error instanceof UsageError) throw error;
      wrong++;
      say(`${name}:`);
      sayFaults(error, language);
    }
  return wrong === 0;
}

type Named = { readonly checked: CheckedRule; readonly eventType: EventType };

/** undefined after saying what is wrong with it. */
async function readNamed(name: string, { types, locale }: Given): Promise<Named | undefined> {
  const language = readLanguage(locale);
  if (name.startsWith('live:')) return await liveRule(name.slice('live:'.length));
  try {
    const context = shippedContext(types);
    const checked = readRule(readRuleFile(name).json, context);
    return { checked, eventType: context.eventType(checked.rule.on)! };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    say(`${name}:`);
    sayFaults(error, language);
    return undefined;
  }
}

/** Whether the rule, and whom it is asked about, could be read. */
async function explainRule([name, ...more]: readonly string[], given: Given): Promise<boolean> {
  if (name === undefined || more.length > 0) throw new UsageError('say which rule');
  const language = readLanguage(given.locale);
  const named = await readNamed(name, given);
  if (named === undefined) return false;
  const { checked, eventType } = named;
  const asked = whomOf(checked, given);
  if (asked === undefined) {
    const sentence = sentenceOf(checked.condition, language);
    say(given.json ? JSON.stringify(sentence, null, 2) : sentence.text);
    return true;
  }
  const { fields } = shippedContext([]);
  const faults = askedFaults(asked, eventType, fields);
  if (faults.length > 0) {
    sayEach(faults, language);
    return false;
  }
  const layout = layoutOf(fields);
  const about = {
    profile: readProfile(asked.citizen, layout),
    layout,
    given: { event: asked.event, asOf: parseDay(asked.asOf) },
  };
  const explanation = explain(checked.condition, about, language);
  say(given.json ? JSON.stringify(explanation, null, 2) : explainedText(explanation));
  return true;
}

/** The citizen, event and day that are asked about; undefined where none are. */
function whomOf({ rule }: CheckedRule, given: Given): Asked | undefined {
  if (given.test !== undefined) {
    const test = rule.tests.find(({ name }) => name === given.test);
    if (test === undefined)
      throw new UsageError(`no test citizen is named so: ${rule.tests.map(({ name }) => name).join('; ')}`);
    return test;
  }
  if (given.citizen === undefined) return undefined;
  const asOf = given['as-of'] ?? '';
  if (Number.isNaN(parseDay(asOf))) throw new UsageError('--as-of takes a day like 2026-02-01');
  return {
    citizen: readObject(given.citizen, '--citizen'),
    event: readObject(given.event ?? '{}', '--event'),
    asOf,
  };
}

/** What decides, and then every leaf with what it saw. */
function explainedText({ text: whole, leaves }: Explanation): string {
  const lines = leaves.map(({ pointer, truth, seen }) => {
    const values = seen.map(({ name, value }) => `${name} = ${value ?? '–'}`).join(', ');
    return `${truth === null ? '?' : truth ? '+' : '-'} ${pointer}${values === '' ? '' : `: ${values}`}`;
  });
  return [whole, '', ...lines].join('\n');
}

/** Whether both could be read. */
async function compareRules(names: readonly string[], given: Given): Promise<boolean> {
  const [before, after, ...more] = names;
  if (before === undefined || after === undefined || more.length > 0)
    throw new UsageError('say which two rules');
  const language = readLanguage(given.locale);
  const layout = layoutOf(shippedContext([]).fields);
  const [old, fresh] = [await readNamed(before, given), await readNamed(after, given)];
  if (old === undefined || fresh === undefined) return false;
  const { members, lost, gained, moved } = differenceOf(old.checked, fresh.checked, layout, language);
  if (given.json) {
    say(JSON.stringify({ members, lost, gained, moved }, null, 2));
    return true;
  }
  say(members.length === 0 ? 'the same' : `changed: ${members.join(', ')}`);
  for (const line of lost) say(`- ${line}`);
  for (const line of gained) say(`+ ${line}`);
  for (const { test, from, to } of moved) say(`${test}: ${from} -> ${to}`);
  return true;
}

/** Whether all could be read, and were in the one form or are now. */
function formatRules(names: readonly string[], { write, locale }: Given): boolean {
  const language = readLanguage(locale);
  let other = 0;
  let unread = 0;
  for (const name of orAll(names))
    try {
      const { file, text: before, json } = readRuleFile(name);
      const formatted = ruleText(json);
      if (formatted === before) continue;
      other++;
      if (write) writeFileSync(file, formatted);
      say(`${file} ${write ? 'is formatted' : 'is not in the one form'}`);
    } catch (error) {
      if (error instanceof UsageError) throw error;
      unread++;
      say(`${name}:`);
      sayFaults(error, language);
    }
  return unread === 0 && (write || other === 0);
}
