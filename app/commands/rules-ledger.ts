/** `rules import` and `rules export`: rule files into the ledger as drafts, and live rules out of it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { contentHash } from '../../domain/content-hash.ts';
import type { EventType } from '../../domain/event.ts';
import { silentLogger } from '../../domain/logger.ts';
import type { Rule, RuleTest } from '../../domain/rule.ts';
import { transaction } from '../../domain/sql.ts';
import { type Language, shippedFields } from '../../rules/catalogue.ts';
import { differencesOf } from '../../rules/check/import-differences.ts';
import { importJsonLogic } from '../../rules/check/importer.ts';
import { type CheckedRule, type RuleContext, readRule } from '../../rules/check/rule.ts';
import { layoutOf } from '../../rules/population/profile.ts';
import { ruleText } from '../../rules/say/rule-text.ts';
import {
  approveRule,
  createCatalogue,
  lockRevision,
  publishRule,
  saveRuleDraft,
} from '../../store/catalogue.ts';
import { ruleOwner } from '../../store/rule-versions.ts';
import { templateReader } from '../../store/template-versions.ts';
import { createAuthoringChecks } from '../authoring-checks.ts';
import { type Ledger, say, UsageError, withLedger } from './ledger.ts';
import { readLanguage, readRuleFile, sayFaults, sayWarnings } from './rule-files.ts';
import type { Given } from './rules.ts';

const AUTHOR = 'administrator';

/** Whether all came in. Each is a draft of its own; where one is refused the others are not. */
export async function importRules(files: readonly string[], given: Given): Promise<boolean> {
  if (files.length === 0) throw new UsageError('say which files');
  const language = readLanguage(given.locale);
  let refused = 0;
  await withLedger(process.env, async (ledger) => {
    if (given.publish && ledger.config.env === 'production')
      throw new UsageError(
        'in production another person approves: POST /api/v1/rules/{id}/versions/{v}/approval',
      );
    const catalogue = createCatalogue(ledger.pool, silentLogger);
    const { eventTypes } = await catalogue.refresh();
    const context = { fields: shippedFields(), eventType: (name: string) => eventTypes.get(name) };
    const checks = createAuthoringChecks(catalogue, templateReader(ledger.pool));
    for (const file of files)
      try {
        const { json } = readRuleFile(file);
        const converted = given['json-logic'] ? convert(json, context, language) : json;
        if (converted === undefined) {
          refused++;
          continue;
        }
        const rule = await checks.checkRule(converted);
        if (given['dry-run']) say(ruleText(rule).trimEnd());
        else await keep(rule, ledger, given.publish);
        sayWarnings(readRule(rule, context), language);
      } catch (error) {
        if (error instanceof UsageError) throw error;
        refused++;
        say(`${file}:`);
        sayFaults(error, language);
      }
  });
  return refused === 0;
}

async function keep(rule: Rule, { pool }: Ledger, publish: boolean): Promise<void> {
  const hash = contentHash(rule);
  const version = await transaction(pool, async (sql) => {
    if (publish) await lockRevision(sql);
    const owner = await ruleOwner(sql, rule.id);
    if (owner !== undefined && owner !== rule.agency)
      throw new Error(`the rule ${rule.id} belongs to another agency`);
    const draft = await saveRuleDraft(sql, rule, hash, AUTHOR);
    if (publish) {
      await approveRule(sql, rule.id, draft.version, hash, AUTHOR);
      await publishRule(sql, rule.id, draft.version);
    }
    return draft.version;
  });
  say(`${rule.id}: version ${version} is ${publish ? 'live' : 'saved'}, hash ${hash}`);
}

/** The rule with its condition in the strict profile; undefined after saying what of it cannot be said. */
function convert(json: unknown, context: RuleContext, language: Language): unknown {
  const rule = json as Partial<Rule> | null;
  const eventType = context.eventType(String(rule?.on));
  // What is wrong with the rest is said by the check that every rule passes.
  if (rule === null || typeof rule !== 'object' || eventType === undefined) return json;
  const scope = { fields: context.fields, agency: String(rule.agency), eventType, citizen: true };
  const { condition, node, faults, notes } = importJsonLogic(rule.condition, scope);
  for (const { pointer, sentences } of [...notes, ...faults])
    say(`  /condition${pointer}: ${sentences[language]}`);
  if (condition === undefined || node === undefined) {
    say(`${rule.id}: the condition cannot be said in the language`);
    return undefined;
  }
  sayDifferences(rule.condition, node, rule.tests ?? [], context);
  return { ...rule, condition };
}

function sayDifferences(
  given: unknown,
  node: CheckedRule['condition'],
  tests: readonly RuleTest[],
  { fields }: RuleContext,
): void {
  const differences = differencesOf(given, node, tests, layoutOf(fields));
  for (const { citizen, without, plain, strict } of differences ?? [])
    say(
      `  ${citizen}${without.length === 0 ? '' : ` without ${without.join(', ')}`}: JsonLogic says ${plain ? 'yes' : 'no'}, the language ${strict}`,
    );
}

/** Writes live rules, each as FOLDER/<id>.json. */
export async function exportRules([folder, ...ids]: readonly string[]): Promise<void> {
  if (folder === undefined) throw new UsageError('say into which folder');
  await withLedger(process.env, async ({ pool }) => {
    const { rules } = await createCatalogue(pool, silentLogger).refresh();
    const unknown = ids.filter((id) => !rules.has(id));
    if (unknown.length > 0) throw new Error(`not live: ${unknown.join(', ')}`);
    const wanted = [...rules.values()].filter(({ rule }) => ids.length === 0 || ids.includes(rule.id));
    mkdirSync(folder, { recursive: true });
    for (const { rule } of wanted) writeFileSync(path.join(folder, `${rule.id}.json`), ruleText(rule));
    say(`${wanted.length} rules written to ${folder}`);
  });
}

/** The version that is live, with its trees, and what it listens to. */
export async function liveRule(id: string): Promise<{ checked: CheckedRule; eventType: EventType }> {
  let found: { checked: CheckedRule; eventType: EventType } | undefined;
  await withLedger(process.env, async ({ pool }) => {
    const { rules, eventTypes } = await createCatalogue(pool, silentLogger).refresh();
    const live = rules.get(id);
    if (live === undefined) throw new Error(`no rule ${id} is live`);
    const context = { fields: shippedFields(), eventType: (name: string) => eventTypes.get(name) };
    const checked = readRule(live.rule, context);
    found = { checked, eventType: eventTypes.get(live.rule.on)! };
  });
  return found!;
}
