/** What the commands about rules read: rules, event types and the JSON that somebody gives on the command line. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { AllimError, type Fault, messageOf } from '../../domain/errors.ts';
import type { EventType } from '../../domain/event.ts';
import { parseEventType } from '../../domain/event-types.ts';
import { LANGUAGES, type Language, shippedFields } from '../../rules/catalogue.ts';
import type { CheckedRule, RuleContext } from '../../rules/check/rule.ts';
import { warningsOf } from '../../rules/check/warnings.ts';
import { type RuleFault, refusal } from '../../rules/refusals.ts';
import { say, UsageError } from './ledger.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
export const PUBLISHED = path.join(ROOT, 'rules', 'published');
export const EVENT_TYPES = path.join(ROOT, 'producers', 'catalogue');

export type RuleFile = { readonly file: string; readonly text: string; readonly json: unknown };

/** A path, or the id of a rule that ships. */
export function readRuleFile(given: string): RuleFile {
  const shipped = path.join(PUBLISHED, `${given}.json`);
  const file = existsSync(given) ? given : /^[a-z0-9-]+$/.test(given) && existsSync(shipped) ? shipped : null;
  if (file === null) throw new UsageError(`${given} is neither a file nor a rule that ships`);
  const text = readFileSync(file, 'utf8');
  return { file, text, json: readJson(text) };
}

/** Editors of some systems begin a file with a byte order mark. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    const at = /position (\d+)/.exec(messageOf(error))?.[1];
    const lines = text.slice(0, at === undefined ? text.length : Number(at)).split('\n');
    const fault = refusal('file-not-json', '', lines.length, lines.at(-1)!.length + 1);
    throw new AllimError('rule-invalid', fault.message, { faults: [fault] });
  }
}

export function jsonFilesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => path.join(folder, name));
}

function parseJson(text: string, from: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${from}: ${messageOf(error)}`);
  }
}

/** A JSON object, in a file or on the command line itself. */
export function readObject(given: string, what: string): Record<string, unknown> {
  const json = parseJson(existsSync(given) ? readFileSync(given, 'utf8') : given, what);
  if (json === null || typeof json !== 'object' || Array.isArray(json))
    throw new UsageError(`${what} must be a JSON object`);
  return json as Record<string, unknown>;
}

/** What rules are checked against without a ledger: the fields and event types that ship, and those of further folders. */
export function shippedContext(folders: readonly string[]): RuleContext {
  const types = new Map<string, EventType>();
  for (const file of [EVENT_TYPES, ...folders].flatMap(jsonFilesIn)) {
    const type = parseEventType(parseJson(readFileSync(file, 'utf8'), file));
    types.set(type.type, type);
  }
  return { fields: shippedFields(), eventType: (name) => types.get(name) };
}

export function readLanguage(given: string): Language {
  const language = LANGUAGES.find((one) => one === given);
  if (language === undefined) throw new UsageError(`--locale takes ${LANGUAGES.join(', ')}`);
  return language;
}

/** Says what is wrong with a rule, a fault a line, in the language; throws again what is no fault of a rule. */
export function sayFaults(error: unknown, language: Language): void {
  if (!(error instanceof AllimError) || error.faults.length === 0) throw error;
  sayEach(error.faults, language);
}

export function sayEach(faults: readonly Fault[], language: Language, before = ''): void {
  for (const fault of faults) {
    const { sentences } = fault as Partial<RuleFault>;
    say(`  ${before}${fault.pointer || '/'}: ${sentences?.[language] ?? fault.message}`);
  }
}

const WARNED: Readonly<Record<Language, string>> = { ko: '주의 ', en: 'warning ', vi: 'lưu ý ' };

/** What may not have been meant. */
export function sayWarnings({ condition }: CheckedRule, language: Language): void {
  sayEach(warningsOf(condition, '/condition'), language, WARNED[language]);
}
