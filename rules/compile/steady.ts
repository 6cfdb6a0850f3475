/**
 * What is the same for every citizen, reckoned once for the circumstances that it is asked under: the event's facts and whatever is made of
 * them. An event's data never changes while it is judged, so the same circumstances give the same value.
 */
import type { Circumstances } from './closure.ts';

export class Steady<Value> {
  private last: Circumstances | undefined = undefined;
  private value: Value;
  private readonly reckon: (given: Circumstances) => Value;

  /** `before` is of the value's type and never seen. */
  constructor(reckon: (given: Circumstances) => Value, before: Value) {
    this.reckon = reckon;
    this.value = before;
  }

  of(given: Circumstances): Value {
    if (given !== this.last) {
      this.value = this.reckon(given);
      this.last = given;
    }
    return this.value;
  }
}
