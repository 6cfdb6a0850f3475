/** What most faults have in common: hurt while the round is under way, wait, and mend whatever happens. */
import type { Stage } from './fault.ts';

export type Outage = {
  /** Shares of the round's notices between which it begins. */
  readonly between: readonly [from: number, to: number];
  /** At the run's pace. */
  readonly forMs: number;
  hurt(): Promise<void> | void;
  mend(): Promise<void> | void;
};

export async function outage(stage: Stage, { between, forMs, hurt, mend }: Outage): Promise<void> {
  await stage.arrived(within(stage, between[0], between[1]));
  try {
    await hurt();
    await stage.pause(forMs);
  } finally {
    await mend();
  }
}

export function within(stage: Stage, from: number, to: number): number {
  return from + stage.random() * (to - from);
}

export function whole(stage: Stage, from: number, to: number): number {
  return Math.floor(within(stage, from, to + 1));
}

export function pick<T>(stage: Stage, from: readonly T[]): T {
  return from[whole(stage, 0, from.length - 1)]!;
}

export function shuffled<T>(stage: Stage, from: readonly T[]): T[] {
  const result = [...from];
  for (let at = result.length - 1; at > 0; at--) {
    const other = whole(stage, 0, at);
    [result[at], result[other]] = [result[other]!, result[at]!];
  }
  return result;
}
