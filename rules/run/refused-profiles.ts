/**
 * Which refused profiles are kept whole and which are only counted. A producer that is wrong about every record must not fill the ledger
 * with a million rows that say the same: of one partition and one reason a hundred a minute are evidence enough. Decides and remembers;
 * the caller stores.
 */
import type { Clock } from '../../domain/clock.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import type { Refused } from './shard.ts';

export const KEPT_A_MINUTE = 100;
const MINUTE_MS = 60_000;

/** Offsets ascend. */
export type Counted = {
  readonly topic: string;
  readonly partition: number;
  readonly code: ErrorCode;
  readonly offsets: readonly number[];
};
export type Judged = { readonly kept: readonly Refused[]; readonly counted: readonly Counted[] };

type Window = { readonly sinceMs: number; readonly kept: number };

export class Refusals {
  private readonly clock: Clock;
  private readonly windows = new Map<string, Window>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Changes nothing: where storing fails, the same are judged again. Call `note` with what was stored. */
  judge(refused: readonly Refused[]): Judged {
    const kept: Refused[] = [];
    const counted = new Map<
      string,
      { topic: string; partition: number; code: ErrorCode; offsets: number[] }
    >();
    const taken = new Map<string, number>();
    for (const item of refused) {
      const { topic, partition, offset } = item.record;
      const { code } = item.error;
      const key = keyOf(item);
      const n = taken.get(key) ?? this.windowOf(key).kept;
      taken.set(key, n + 1);
      if (n < KEPT_A_MINUTE) {
        kept.push(item);
        continue;
      }
      const group = counted.get(key) ?? { topic, partition, code, offsets: [] };
      group.offsets.push(offset);
      counted.set(key, group);
    }
    return { kept, counted: [...counted.values()] };
  }

  note({ kept }: Judged): void {
    for (const item of kept) {
      const key = keyOf(item);
      const { sinceMs, kept: before } = this.windowOf(key);
      this.windows.set(key, { sinceMs, kept: before + 1 });
    }
  }

  private windowOf(key: string): Window {
    const nowMs = this.clock.nowMs();
    const found = this.windows.get(key);
    return found !== undefined && nowMs - found.sinceMs < MINUTE_MS ? found : { sinceMs: nowMs, kept: 0 };
  }
}

function keyOf({ record, error }: Refused): string {
  return `${record.partition}/${error.code}`;
}
