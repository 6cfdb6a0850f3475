/**
 * Counts of people as they are shown of a campaign: from one to nine it is `<10`, nobody is 0. Of parts that make up a shown whole a second part
 * is hidden where the first could be had by subtraction. The administrator, a platform owner and keys that say so see them all.
 */
export type People = number | '<10' | 'hidden';

const FEW = 10;

export function people(count: number, exact: boolean): People {
  return exact || count === 0 || count >= FEW ? count : '<10';
}

/** Parts of a whole that is shown too. */
export function peopleParts<Name extends string>(
  parts: Readonly<Record<Name, number>>,
  exact: boolean,
): Readonly<Record<Name, People>> {
  const shown: Record<string, People> = {};
  const bySize = Object.entries<number>(parts).toSorted(([, a], [, b]) => a - b);
  let hidden = 0;
  let cells = 0;
  for (const [name, count] of bySize) {
    const few = !exact && count > 0 && count < FEW;
    const gives = cells > 0 && (cells < 2 || hidden < FEW) && count >= FEW;
    shown[name] = few ? '<10' : gives ? 'hidden' : count;
    if (!few && !gives) continue;
    hidden += count;
    cells++;
  }
  return shown as Record<Name, People>;
}
