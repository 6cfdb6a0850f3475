/** Who was wrong too often, by address. */
import { expect, test } from '@jest/globals';
import { createFailures } from '../../web/api/failures.ts';

test('an address waits once it was wrong too often, until its minute is over', () => {
  let now = 0;
  const failures = createFailures(2, () => now);
  failures.begin('192.0.2.1');
  expect(failures.waitSeconds('192.0.2.1')).toBeNull();
  failures.begin('192.0.2.1');
  expect(failures.waitSeconds('192.0.2.1')).toBe(60);
  expect(failures.waitSeconds('192.0.2.2')).toBeNull();
  now = 59_500;
  expect(failures.waitSeconds('192.0.2.1')).toBe(1);
  now = 60_000;
  expect(failures.waitSeconds('192.0.2.1')).toBeNull();
});

test('a try counts while it is under way, and no longer once it was right', () => {
  const failures = createFailures(1, () => 0);
  const right = failures.begin('192.0.2.1');
  expect(failures.waitSeconds('192.0.2.1')).not.toBeNull();
  right();
  expect(failures.waitSeconds('192.0.2.1')).toBeNull();
});

test.each([
  ['2001:db8:1:2:3::1', '2001:DB8:1:2:ffff:0:0:9', true],
  ['2001:db8:0:2::1', '2001:db8::2:0:0:0:9', true],
  ['2001:db8::1', '2001:db8:0:0:5::', true],
  ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
  ['::ffff:192.0.2.1', '192.0.2.1', true],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.2', false],
  ['192.0.2.1', '192.0.2.10', false],
])('%s and %s count as one: %s', (one, other, together) => {
  const failures = createFailures(1, () => 0);
  failures.begin(one);
  expect(failures.waitSeconds(other) !== null).toBe(together);
});
