/** Several faults in one round, one after the other while its notices are under way: what each leaves, the next one meets. */
import { randomStream } from '../../producers/population.ts';
import type { Fault } from './fault.ts';

const FAULTS_A_ROUND = 3;

function together(number: number, faults: readonly Fault[]): Fault {
  return {
    name: `mixture-${number}`,
    group: 'load',
    does: faults.map(({ name }) => name).join(', then '),
    doubles: true,
    left: faults.some(({ left }) => left === true),
    async prepare(stage) {
      for (const fault of faults) await fault.prepare?.(stage);
    },
    async inflict(stage) {
      for (const fault of faults) {
        stage.say(`${fault.name}: ${fault.does}`);
        await fault.inflict(stage);
      }
    },
    async judge(stage) {
      const wrong: string[] = [];
      for (const fault of faults)
        for (const line of (await fault.judge?.(stage)) ?? []) wrong.push(`${fault.name}: ${line}`);
      return wrong;
    },
  };
}

/**
 * Endless: each round a few of `faults`, drawn from the seed; each comes once before any comes again. At most one marked point a round, because
 * a process is armed for one.
 */
export function* mixtures(seed: number, faults: readonly Fault[]): Generator<Fault> {
  const random = randomStream(seed, 0x313c);
  let deck: Fault[] = [];
  for (let number = 1; ; number++) {
    const chosen: Fault[] = [];
    const put: Fault[] = [];
    while (chosen.length < Math.min(FAULTS_A_ROUND, faults.length)) {
      if (deck.length === 0)
        deck = shuffle(
          random,
          [...faults].filter((fault) => !chosen.includes(fault)),
        );
      const next = deck.pop()!;
      const marked = next.name.startsWith('mark:') && chosen.some(({ name }) => name.startsWith('mark:'));
      (marked ? put : chosen).push(next);
      if (deck.length === 0 && put.length > 0 && chosen.length > 0) break;
    }
    deck.push(...put);
    yield together(number, chosen);
  }
}

function shuffle<T>(random: () => number, items: T[]): T[] {
  for (let at = items.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [items[at], items[other]] = [items[other]!, items[at]!];
  }
  return items;
}
