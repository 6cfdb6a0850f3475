/** The proof in small, with everything real, as a part of the whole suite: half a minute. `npm run spine` is the proof in full. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { describeWith } from './support/services.ts';

const ROOT = path.join(import.meta.dirname, '..');

// It starts services of its own, whose topics nobody else writes to; where ours cannot run, its cannot either.
describeWith('kafka', 'the spine', () => {
  test('reaches the right citizens once, and nobody else', async () => {
    const child = spawn(
      path.join(ROOT, 'node_modules', '.bin', 'node'),
      [path.join(ROOT, 'test', 'spine', 'main.ts'), '--small', '--programmes'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const code = await new Promise((resolve) => child.once('exit', resolve));
    const last = output.trimEnd().split('\n').at(-1) ?? '';
    expect({ code, last, output: code === 0 ? '' : output }).toMatchObject({ code: 0, output: '' });
    expect(JSON.parse(last)).toMatchObject({
      holds: true,
      missing: 0,
      unexpected: 0,
      doubled: 0,
      badRaces: 0,
      programmes: { rules: 40, missing: 0, unexpected: 0, doubled: 0, inboxMissing: 0, inboxUnexpected: 0 },
    });
  }, 240_000);
});
