/** A hand-made bug: one text of one file, which must stand there exactly once, and what it becomes. */
export type Mutant = {
  /** kebab-case; what `npm run mutants -- NAME` takes. */
  readonly name: string;
  /** What it would do to a citizen. */
  readonly would: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** Test files of which at least one must turn red. */
  readonly tests: readonly string[];
  /** Where those tests want a Redis. */
  readonly redis?: boolean;
};

/** The file with the bug in it. Throws where the text does not stand there once: then the mutant must be adapted. */
export function apply(mutant: Mutant, source: string): string {
  const at = source.indexOf(mutant.from);
  const places = at < 0 ? 0 : source.split(mutant.from).length - 1;
  if (places !== 1)
    throw new Error(
      `its text stands ${places} times in ${mutant.file}: the code has changed, adapt the mutant`,
    );
  return source.slice(0, at) + mutant.to + source.slice(at + mutant.from.length);
}
