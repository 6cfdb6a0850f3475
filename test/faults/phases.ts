/** Where the time of a round goes: its phases one after the other, in seconds, in the order in which they came. */
export type Phases = Readonly<Record<string, number>>;

export type Stopwatch = {
  /** What came since the last mark, or since the beginning, was this phase; a name that comes again is added to. */
  lap(phase: string): void;
  readonly phases: Phases;
};

export function startStopwatch(): Stopwatch {
  const phases: Record<string, number> = {};
  let since = performance.now();
  return {
    phases,
    lap(phase) {
      const now = performance.now();
      phases[phase] = (phases[phase] ?? 0) + (now - since) / 1000;
      since = now;
    },
  };
}

/** Of several rounds together. */
export function sumOf(all: readonly Phases[]): Phases {
  const sum: Record<string, number> = {};
  for (const phases of all)
    for (const [phase, seconds] of Object.entries(phases)) sum[phase] = (sum[phase] ?? 0) + seconds;
  return sum;
}

/** `inputs 0.1, judge 0.8`: what took less than a twentieth of a second is left out. */
export function phaseText(phases: Phases): string {
  return Object.entries(phases)
    .filter(([, seconds]) => seconds >= 0.05)
    .map(([phase, seconds]) => `${phase} ${seconds.toFixed(1)}`)
    .join(', ');
}
