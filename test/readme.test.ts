/** What the README shows is what ships. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';

const ROOT = path.join(import.meta.dirname, '..');
const read = (...parts: string[]) => readFileSync(path.join(ROOT, ...parts), 'utf8');

test('every rule that the README shows is a part of the shipped file of its id', () => {
  const excerpts = [...read('README.md').matchAll(/```json\n([\s\S]*?)```/g)]
    .map(([, text]) => JSON.parse(text!) as Record<string, unknown>)
    .filter((json) => 'condition' in json);
  expect(excerpts.length).toBeGreaterThan(0);
  for (const excerpt of excerpts) {
    const shipped = JSON.parse(read('rules', 'published', `${String(excerpt['id'])}.json`)) as object;
    const part = Object.fromEntries(Object.entries(shipped).filter(([name]) => Object.hasOwn(excerpt, name)));
    expect(excerpt).toEqual(part);
  }
});
