/** docs/sending.md names a test for each of the fifteen cases of the protocol: they exist, and what has none yet is known by name. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';

const ROOT = path.join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

/** Their mechanisms come later. Whoever builds one writes its test and takes it away here. */
const NOT_YET = ['a digest with a recalled notice', 'two guardians, one opted out'];

const section = read('docs/sending.md').split('## Fifteen awkward cases')[1]!.split('\n## ')[0]!;
const cases = section
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| case'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, name = '', becomes = '', where = '']) => ({ name, becomes, where }));

test('there are fifteen, each with an outcome', () => {
  expect(cases).toHaveLength(15);
  expect(cases.filter((one) => one.becomes === '')).toEqual([]);
  expect(cases.filter((one) => one.where.startsWith('not yet')).map((one) => one.name)).toEqual(NOT_YET);
});

test.each(cases.filter((one) => !NOT_YET.includes(one.name)))('$name has its test', ({ where }) => {
  const [, file = '', name = ''] = /^`(test\/[\w/.-]+\.ts)`: (.+)$/.exec(where) ?? [];
  const source = read(file);
  expect(source).toContain(`test('${name}'`);
  // Nor is it passed over.
  expect(source).not.toMatch(new RegExp(`(skip|todo|failing)\\(\\s*'${name.slice(0, 20)}`));
});
