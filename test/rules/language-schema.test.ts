/** The published schema against the checker: what one accepts of the syntax the other accepts too. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { LIMITS, OPERATORS } from '../../rules/language.ts';
import { SIGNATURES } from '../../rules/signatures.ts';
import { conditions } from './arbitraries.ts';

const RULES = path.join(import.meta.dirname, '..', '..', 'rules');
const schema = JSON.parse(readFileSync(path.join(RULES, 'language.schema.json'), 'utf8'));
const accepts = new Ajv2020({ strict: true, strictTuples: false }).compile(schema);

test('knows every operator', () => {
  expect(Object.keys(SIGNATURES).sort()).toEqual([...OPERATORS].sort());
});

test('accepts the conditions that ship', () => {
  const files = readdirSync(path.join(RULES, 'published')).filter((name) => name.endsWith('.json'));
  const refused = files.filter((name) => {
    const { condition } = JSON.parse(readFileSync(path.join(RULES, 'published', name), 'utf8'));
    return !accepts(condition);
  });
  expect(refused).toEqual([]);
  expect(files.length).toBeGreaterThan(10);
});

test('accepts whatever the checker accepts', () => {
  fc.assert(
    fc.property(conditions, (condition) => accepts(condition)),
    { numRuns: 200 },
  );
});

test.each([
  [null],
  [[]],
  [{}],
  [7],
  [{ xor: [true, false] }],
  [{ and: [] }],
  [{ and: [true], or: [true] }],
  [{ '!': [true, true] }],
  [{ '==': [1] }],
  [{ var: 'env.PATH' }],
  [{ var: ['citizen.i', 0] }],
  [{ '<': [{ age: [5] }, 3] }],
  [{ known: [5] }],
  [{ some: [true, true] }],
  [{ '==': [{ workingDay: [{ var: 'event.date' }, 'sideways'] }, '2026-01-01'] }],
  [{ or: Array.from({ length: LIMITS.arguments + 1 }, () => true) }],
])('refuses %j', (condition) => {
  expect(accepts(condition)).toBe(false);
});
