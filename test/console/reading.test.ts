/** What the console makes of what is typed: rows and the places they stand for, lines of a text, suggested test citizens. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { parseEventType } from '../../domain/event-types.ts';
import type { Rule } from '../../domain/rule.ts';
import { shippedFields } from '../../rules/catalogue.ts';
import { judgeTests } from '../../rules/check/tests.ts';
import { lineOf } from '../../web/console/client/rule/places-in-text.ts';
import {
  builderOf,
  conditionFrom,
  pointersOf,
  type QueryPart,
  type QueryTree,
  readCondition,
  rowAt,
  type Scope,
} from '../../web/console/client/rule/reading.ts';
import { suggestedTests } from '../../web/console/client/rule/suggested-tests.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
const json = (...parts: string[]): unknown => JSON.parse(readFileSync(path.join(ROOT, ...parts), 'utf8'));
const rules = readdirSync(path.join(ROOT, 'rules', 'published')).map(
  (file) => json('rules', 'published', file) as Rule,
);
const typeOf = ({ on }: Rule) => parseEventType(json('producers', 'catalogue', `${on}.json`));
const fields = shippedFields();
const scopeOf = (rule: Rule): Scope => ({
  fields,
  agency: rule.agency,
  eventType: typeOf(rule),
  citizen: true,
});

const rowsOf = (part: QueryPart): string[] =>
  'rules' in part
    ? part.rules.flatMap(rowsOf)
    : [part.id, ...(part.match === undefined ? [] : rowsOf(part.value as QueryTree))];

test.each(rules.map((rule) => [rule.id, rule] as const))(
  '%s goes into the builder and comes back the same, and every row knows its place',
  (_id, rule) => {
    const { node } = readCondition(rule.condition, scopeOf(rule));
    const shown = builderOf(node!);
    if (!('query' in shown)) return expect(shown.unshown.length).toBeGreaterThan(0);
    const made = conditionFrom(shown.query);
    // In the tree's own form: a file may write one argument without its list.
    expect('condition' in made && readCondition(made.condition, scopeOf(rule)).node).toEqual(node);
    const pointers = pointersOf(shown.query);
    const at = (pointer: string): unknown =>
      pointer
        .split('/')
        .slice(2)
        .reduce<unknown>(
          (value, name) => (value as Record<string, unknown>)[name],
          'condition' in made && made.condition,
        );
    for (const row of rowsOf(shown.query)) {
      const pointer = pointers.get(row)!;
      expect(at(pointer)).toBeDefined();
      expect(rowAt(`${pointer}/==/1`, pointers)).toBe(row);
    }
  },
);

test('a fault that no row has is the nearest group’s', () => {
  const query: QueryTree = {
    id: 'all',
    combinator: 'and',
    rules: [
      {
        id: 'inner',
        combinator: 'or',
        rules: [{ id: 'row', field: 'citizen.sex', operator: '=', value: 'F' }],
      },
    ],
  };
  const pointers = pointersOf(query);
  expect(rowAt('/condition/and/0/or/0/==/1', pointers)).toBe('row');
  expect(rowAt('/condition/and/0/or', pointers)).toBe('inner');
  expect(rowAt('/condition', pointers)).toBe('all');
});

test('an empty builder and an empty value are no condition', () => {
  expect(conditionFrom({ id: 'a', combinator: 'and', rules: [] })).toHaveProperty('incomplete');
  const rule = { id: 'b', field: 'citizen.birthDate', operator: '>=', value: '' };
  const made = conditionFrom({ id: 'a', combinator: 'and', rules: [rule] });
  const { faults, node } = readCondition('condition' in made ? made.condition : true, scopeOf(rules[0]!));
  expect(node).toBeUndefined();
  expect(faults[0]?.pointer).toBe('/condition/and/0/>=/1');
});

test.each([
  ['', 1],
  ['/and/0', 3],
  ['/and/1/==/1', 8],
  ['/and/1/==/0', 7],
  // What is not there is the nearest that is.
  ['/and/1/nothing/there', 6],
])('%s stands on line %i', (pointer, line) => {
  const text = [
    '{',
    '"and": [',
    '{"<": [1, 2]}',
    ',',
    '',
    '{"==": [',
    '"a \\"quoted\\" }",',
    '3',
    ']}',
    ']',
    '}',
  ].join('\n');
  expect(lineOf(text, pointer)).toBe(line);
});

test('suggested test citizens come out as they say, for every rule that compares plainly', () => {
  let positive = 0;
  for (const rule of rules) {
    const type = typeOf(rule);
    const { node } = readCondition(rule.condition, scopeOf(rule));
    const names = { fits: 'fits', differs: (field: { name: string }) => field.name };
    const tests = suggestedTests(node!, type.examples[0]!, '2026-11-23', names);
    const judged = judgeTests(tests, node!, type, fields);
    for (const { faults } of judged) expect(faults.filter(({ code }) => code !== 'test-failed')).toEqual([]);
    if (judged[0]?.found === 'certain') positive++;
  }
  expect(positive).toBeGreaterThan(rules.length / 3);
});
