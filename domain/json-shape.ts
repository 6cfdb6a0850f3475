/** Looks at parsed JSON without recursion, so that no depth of it can exhaust the stack. */

function* levels(value: unknown): Generator<unknown[]> {
  let level: unknown[] = [value];
  while (level.length > 0) {
    yield level;
    level = level.flatMap((item) => (item !== null && typeof item === 'object' ? Object.values(item) : []));
  }
}

/** Whether objects and arrays lie in one another more than `max` deep; a plain value has depth 0. */
export function isDeeperThan(value: unknown, max: number): boolean {
  let depth = 0;
  for (const level of levels(value)) {
    if (depth >= max && level.some((item) => item !== null && typeof item === 'object')) return true;
    depth++;
  }
  return false;
}

/** Whether a number in it is infinite or none, as `1e999` becomes. Of what isDeeperThan has passed. */
export function hasNonFinite(value: unknown): boolean {
  for (const level of levels(value))
    if (level.some((item) => typeof item === 'number' && !Number.isFinite(item))) return true;
  return false;
}
