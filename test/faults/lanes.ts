/**
 * Installations side by side, each a lane: while one's round waits, another's works. They share nothing but the machine and the server on
 * which the oracle has a database for each. Every lane takes the next fault of one list; what needs three brokers goes through one of them,
 * and what must have the machine to itself comes last, when the others have ended.
 */
import type { Fault } from './fault.ts';
import type { Installation } from './installation.ts';

type Brokers = 1 | 3;

export type Course = {
  /** At most; no more are started than have a fault to take. */
  readonly lanes: number;
  readonly faults: readonly Fault[];
  /** How many brokers a fault is to have. */
  brokersOf(fault: Fault): Brokers;
  start(lane: number, brokers: Brokers): Promise<Installation>;
  round(installation: Installation, fault: Fault): Promise<void>;
  end(installation: Installation): Promise<void>;
  /** A lane is told of that breaks off; the others take what it would have taken. */
  brokeOff(lane: number, error: Error): void;
  /** True when the rest is not wanted any more. */
  over(): boolean;
};

/** Goes through all of them. Never rejects. */
export async function throughLanes(given: Course): Promise<void> {
  const { faults, brokersOf, brokeOff } = given;
  const course = { ...given, start: oneAfterTheOther(given.start) };
  const three = faults.filter((fault) => brokersOf(fault) === 3);
  const one = faults.filter((fault) => brokersOf(fault) === 1);
  const beside = one.filter((fault) => fault.alone !== true);
  const alone = one.filter((fault) => fault.alone === true);
  const lanes = Math.max(1, Math.min(course.lanes, beside.length + Math.min(1, three.length)));
  const lane = async (number: number, others: Promise<unknown>) => {
    try {
      // The last lane begins with three brokers, so that the first is not kept from what comes at the end.
      if (number === lanes) await through(course, number, 3, [three]);
      await through(course, number, 1, number === 1 ? [beside, others, alone] : [beside]);
    } catch (error) {
      brokeOff(number, error as Error);
    }
  };
  const others = Promise.all(Array.from({ length: lanes - 1 }, (_, at) => lane(at + 2, Promise.resolve())));
  await lane(1, others);
  await others;
  // Only where the first lane broke off is anything left, and it is the first that tries again.
  if (alone.length > 0) await lane(1, others);
}

/** A start takes all the machine has: two at once, and a process may not reach its servers in time. */
function oneAfterTheOther(start: Course['start']): Course['start'] {
  let before: Promise<unknown> = Promise.resolve();
  return (lane, brokers) => {
    const mine = before.then(() => start(lane, brokers));
    before = mine.catch(() => {});
    return mine;
  };
}

/** One installation, for as long as there is anything to take; others take from the same lists. Between two lists it may have to wait. */
async function through(
  { start, round, end, over }: Course,
  lane: number,
  brokers: Brokers,
  steps: readonly (Fault[] | Promise<unknown>)[],
): Promise<void> {
  if (over() || steps.every((step) => step instanceof Promise || step.length === 0)) return;
  const installation = await start(lane, brokers);
  try {
    for (const step of steps) {
      if (step instanceof Promise) await step;
      else
        for (let fault = step.shift(); fault !== undefined && !over(); fault = step.shift())
          await round(installation, fault);
    }
  } finally {
    await end(installation);
  }
}
