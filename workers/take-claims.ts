/** Which of the claims that wait go into one statement (workers/coalescer.ts). */
import type { BatchId } from '../domain/ids.ts';
import type { Claim } from '../store/turn.ts';

/** Takes out of `waiting`: one claim a batch, for rows are handed out by batch; of one month, and of `maxRows` rows together. */
export function takeClaims<T extends { readonly claim: Claim }>(
  waiting: T[],
  month: string,
  maxRows: number,
): T[] {
  const batches = new Set<BatchId>();
  const mine: T[] = [];
  let rows = 0;
  for (const item of waiting.splice(0)) {
    const { claim } = item;
    const fits =
      claim.month === month &&
      !batches.has(claim.batch) &&
      (mine.length === 0 || rows + claim.max <= maxRows);
    (fits ? mine : waiting).push(item);
    if (!fits) continue;
    batches.add(claim.batch);
    rows += claim.max;
  }
  return mine;
}
