/**
 * `npm run docs`: writes the parts of documents that follow from the code or from measurements, and nothing else: the picture of the
 * states, what is done when nobody knows, limits of retries, the table of promises and the last fault runs (docs/faults.json), the comparison (docs/bullmq.json). test/docs.test.ts wants
 * the documents to say what this would write.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { drawAmbiguity, drawRetryLimits } from './docs/ambiguity.ts';
import { withSection } from './docs/sections.ts';
import { drawStates } from './docs/states.ts';

export const ROOT = path.join(import.meta.dirname, '..');

export function documents(): ReadonlyMap<string, string> {
  const by = '`npm run docs`';
  const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
  const sending = [
    { name: 'states', by, text: drawStates() },
    { name: 'ambiguity', by, text: drawAmbiguity() },
    { name: 'retry limits', by, text: drawRetryLimits() },
  ].reduce(withSection, read('docs/sending.md'));
  return new Map([['docs/sending.md', sending]]);
}

if (import.meta.main)
  for (const [file, text] of documents()) {
    const target = path.join(ROOT, file);
    if (existsSync(target) && readFileSync(target, 'utf8') === text) continue;
    writeFileSync(target, text);
    process.stdout.write(`${file} written\n`);
  }
