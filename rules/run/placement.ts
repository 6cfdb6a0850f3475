/** How many profiles came into the wrong partition: a producer with another partitioner than murmur2 puts seven of eight there. */
const WINDOW = 1_000;

export class Placement {
  private readonly window = new Uint8Array(WINDOW);
  private seen = 0;
  private recent = 0;
  private count = 0;

  note(misplaced: boolean): void {
    const at = this.seen++ % WINDOW;
    this.recent += Number(misplaced) - this.window[at]!;
    this.window[at] = Number(misplaced);
    if (misplaced) this.count++;
  }

  /** All since the start, and the share of the last 1,000 records. */
  status(): { count: number; share: number } {
    return { count: this.count, share: this.recent / Math.min(WINDOW, Math.max(1, this.seen)) };
  }
}
