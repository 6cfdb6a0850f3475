/**
 * Marked points: places between two steps at which a test lets this process die or freeze, by name. Each says what has just happened.
 * Where nothing is armed, as always in production, a mark is a call of an empty function, which the engine leaves out.
 */
export const MARKS = [
  'http:committed',
  'relay:acknowledged',
  'relay:noted',
  'intake:before-commit',
  'intake:committed',
  'questions:before-flush',
  'questions:flushed',
  'questions:noted',
  'answer:resolved',
  'answer:page-flushed',
  'crossing:flushed',
  'crossing:before-commit',
  'crossing:committed',
  'plan:before-commit',
  'plan:committed',
  'pump:committed',
  'pump:queued',
  'requeue:committed',
  'regroup:before-commit',
  'regroup:committed',
  'sweep:committed',
  'claim:committed',
  'call:before',
  'call:sent',
  'call:answered',
  'result:before-commit',
  'result:committed',
  'batch:ended',
  'job:handled',
  'status:appended',
  'status:settled',
  'snapshot:written',
  'snapshot:synced',
  'snapshot:renamed',
] as const;
export type Mark = (typeof MARKS)[number];

const nothing = (_name: Mark): void => {};
let reached: (name: Mark) => void = nothing;

/** Says that this point is reached. */
export function mark(name: Mark): void {
  reached(name);
}

/** As in production again. */
export function disarmMark(): void {
  reached = nothing;
}

/** `hit` runs the `nth` time that `name` is reached, once. */
export function armMark(name: Mark, nth: number, hit: () => void): void {
  let left = nth;
  reached = (at) => {
    if (at !== name || --left > 0) return;
    reached = nothing;
    hit();
  };
}
