/** Several faults in one round, one after the other while its notices are under way: what each leaves, the next one meets. */
import { messageOf } from '../../domain/errors.ts';
import { randomStream } from '../../producers/population.ts';
import type { Fault, Stage } from './fault.ts';

const FAULTS_A_ROUND = 3;

/**
 * Nothing may be lost, wrong or doubled, whatever meets; what one fault promises alone (that receipts come for all, say) may be kept from it
 * by the others: it is said and not held against the round. A fault that the others leave nothing to do, the same; but not all of them.
 */
function together(number: number, faults: readonly Fault[]): Fault {
  const inflicted = new WeakMap<Stage, Fault[]>();
  return {
    name: `mixture-${number}`,
    group: 'load',
    does: faults.map(({ name }) => name).join(', then '),
    doubles: true,
    left: true,
    async prepare(stage) {
      for (const fault of faults) await fault.prepare?.(stage);
    },
    async inflict(stage) {
      const done: Fault[] = [];
      inflicted.set(stage, done);
      for (const fault of faults) {
        stage.say(`${fault.name}: ${fault.does}`);
        try {
          await fault.inflict(stage);
          done.push(fault);
        } catch (error) {
          stage.say(`${fault.name} could not do it beside the others: ${messageOf(error)}`);
        }
      }
    },
    async judge(stage) {
      const done = inflicted.get(stage) ?? [];
      for (const fault of done)
        for (const line of (await fault.judge?.(stage)) ?? [])
          stage.say(`beside the others ${fault.name}: ${line}`);
      return done.length === 0 ? ['none of the faults could be inflicted'] : [];
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
