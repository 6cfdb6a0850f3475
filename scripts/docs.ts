/**
 * `npm run docs`: writes the parts of documents that follow from the code or from measurements, and nothing else: the picture of the
 * states, what is done when nobody knows, limits of retries, the table of promises and the last fault runs (docs/faults.json), the comparison (docs/bullmq.json). test/docs.test.ts wants
 * the documents to say what this would write.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { languageSchema } from '../rules/check/language-schema.ts';
import { drawAmbiguity, drawRetryLimits } from './docs/ambiguity.ts';
import { type Comparison, comparisonTable } from './docs/bullmq.ts';
import { faultRuns, promisesTable, type Run } from './docs/promises.ts';
import { withSection } from './docs/sections.ts';
import { drawStates } from './docs/states.ts';

export const ROOT = path.join(import.meta.dirname, '..');
const BY = '`npm run docs`';

const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

function readJson<T>(file: string): T | null {
  return existsSync(path.join(ROOT, file)) ? (JSON.parse(read(file)) as T) : null;
}

/** Every document that has such parts, as it would be written now. */
export function documents(): ReadonlyMap<string, string> {
  const runs = readJson<readonly Run[]>('docs/faults.json') ?? [];
  const sending = [
    { name: 'states', by: BY, text: drawStates() },
    { name: 'ambiguity', by: BY, text: drawAmbiguity() },
    { name: 'retry limits', by: BY, text: drawRetryLimits() },
    { name: 'promises', by: BY, text: promisesTable(runs) },
  ].reduce(withSection, read('docs/sending.md'));
  const table = comparisonTable(readJson<Comparison>('docs/bullmq.json'));
  return new Map([
    ['rules/language.schema.json', `${JSON.stringify(languageSchema(), null, 2)}\n`],
    ['docs/sending.md', sending],
    ['docs/faults.md', withSection(read('docs/faults.md'), { name: 'runs', by: BY, text: faultRuns(runs) })],
    ['README.md', withSection(read('README.md'), { name: 'bullmq', by: BY, text: table })],
  ]);
}

/** Names of those that were not up to date. */
export function writeDocuments(): readonly string[] {
  const written: string[] = [];
  for (const [file, text] of documents()) {
    if (existsSync(path.join(ROOT, file)) && read(file) === text) continue;
    writeFileSync(path.join(ROOT, file), text);
    written.push(file);
  }
  return written;
}

if (import.meta.main) for (const file of writeDocuments()) process.stdout.write(`${file} written\n`);
