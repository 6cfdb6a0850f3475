/** What a phone fetches before the citizen app lives: its script, gzipped, with all that it imports and the service worker's beside it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { ASSETS_PATH, readAssets } from '../../web/ui/assets.ts';
import { buildWebOnce } from '../support/built-web.ts';

const MOST_KB = 25;

test(`the citizen app's scripts weigh at most ${MOST_KB} KB on their first way`, () => {
  buildWebOnce();
  const assets = readAssets();
  const { script, preloads } = assets.entry('citizen');
  expect(script).not.toBeNull();
  const files = [script!, ...preloads].map((address) =>
    readFileSync(path.join(assets.folder, address.slice(ASSETS_PATH.length))),
  );
  expect(assets.serviceWorker).not.toBeNull();
  const bytes = [...files, assets.serviceWorker!].map((file) => gzipSync(file, { level: 9 }).length);
  expect(bytes.reduce((sum, one) => sum + one, 0) / 1_024).toBeLessThanOrEqual(MOST_KB);
});
