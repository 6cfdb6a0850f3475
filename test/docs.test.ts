/** What programs write into documents stands there as they would write it now. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { documents, ROOT } from '../scripts/docs.ts';

test.each([...documents()])('%s says what `npm run docs` writes', (file, text) => {
  expect(readFileSync(path.join(ROOT, file), 'utf8')).toBe(text);
});
