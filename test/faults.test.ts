/** A short mixture of faults as a part of the whole suite, with everything real: under a minute. `npm run faults` goes through all of them. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { describeWith } from './support/services.ts';

const ROOT = path.join(import.meta.dirname, '..');
const MIXED = ['kill-workers', 'redis-flushed', 'kill-dispatcher'];

// It starts services of its own; where ours cannot run, its cannot either.
describeWith('kafka', 'faults', () => {
  test('nothing is lost and nobody is told twice while a worker and a dispatcher are killed and Redis is emptied', async () => {
    const args = [
      '--mixture',
      '--faults',
      MIXED.join(','),
      '--notices',
      '300',
      '--pace',
      '0.2',
      '--seed',
      '5',
    ];
    const child = spawn(
      path.join(ROOT, 'node_modules', '.bin', 'node'),
      [path.join(ROOT, 'test', 'faults', 'main.ts'), ...args],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(output).not.toContain('could not do it beside the others');
    const last = output.trimEnd().split('\n').at(-1) ?? '';
    expect({ code, last, output: code === 0 ? '' : output }).toMatchObject({ code: 0, output: '' });
    expect(JSON.parse(last)).toMatchObject({
      holds: true,
      lost: 0,
      unexpected: 0,
      duplicates: 0,
      unflagged: 0,
      failed: [],
    });
  }, 240_000);
});
