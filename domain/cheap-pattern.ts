/**
 * Whether a regular expression that an agency gives is cheap on every text. JavaScript's engine backtracks, so an upper bound of the ways
 * to try is computed from the expression itself: each quantifier multiplies by its span, each alternation by its branches.
 * Stricter than needed; what it admits takes at most a fraction of a second on PATTERN_TEXT_LENGTH characters.
 */

/** A longer text matches no pattern: it is refused without being tried. */
export const PATTERN_TEXT_LENGTH = 1_000;
const MAX_PATTERN_LENGTH = 200;
const MAX_WAYS = 1e8;
const MAX_REPEATS = 1_000;

/** `alternates` and `quantified` speak of the group and of every group in it. */
type Group = { quantified: boolean; alternates: boolean; branches: number };
type Quantifier = { readonly length: number; readonly least: number; readonly most: number };

function quantifierAt(pattern: string, at: number): Quantifier | undefined {
  const found = /^(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})\??/.exec(pattern.slice(at));
  if (found === null) return undefined;
  const [{ length }, least, comma, most] = [found[0], found[1], found[2], found[3]];
  const sign = pattern[at];
  if (sign === '?') return { length, least: 0, most: 1 };
  if (sign !== '{') return { length, least: 0, most: Infinity };
  if (comma === undefined) return { length, least: Number(least), most: Number(least) };
  return { length, least: Number(least), most: most === '' ? Infinity : Number(most) };
}

/** Why the pattern is refused; undefined where it is cheap. Whether it is a regular expression at all is for the compiler to say. */
export function patternFault(pattern: string): string | undefined {
  if (pattern.length > MAX_PATTERN_LENGTH) return `must have at most ${MAX_PATTERN_LENGTH} characters`;
  const whole: Group = { quantified: false, alternates: false, branches: 1 };
  const open: Group[] = [whole];
  let ways = 1;
  let repeats = 0;
  let at = 0;
  while (at < pattern.length) {
    let closed: Group | undefined;
    const rest = pattern.slice(at);
    const inner = open.at(-1)!;
    if (rest.startsWith('(')) {
      if (rest.startsWith('(?') && !rest.startsWith('(?:'))
        return 'must have no lookarounds, named groups or modifiers';
      open.push({ quantified: false, alternates: false, branches: 1 });
      at += rest.startsWith('(?:') ? 3 : 1;
      continue;
    }
    if (rest.startsWith('|')) {
      inner.branches++;
      inner.alternates = true;
      at++;
      continue;
    }
    if (rest.startsWith(')')) {
      if (open.length === 1) return 'closes a group that is not open';
      closed = open.pop()!;
      ways *= closed.branches;
      at++;
    } else if (rest.startsWith('\\')) {
      if (/^\\[1-9k]/.test(rest)) return 'must have no backreferences';
      at += /^\\(?:[pPu]\{[^}]*\}|[\s\S])/.exec(rest)?.[0].length ?? 1;
    } else if (rest.startsWith('[')) at += /^\[(?:\\[\s\S]|[^\]\\])*\]?/.exec(rest)![0].length;
    else at++;

    const outer = open.at(-1)!;
    const quantifier = quantifierAt(pattern, at);
    if (quantifier !== undefined) {
      at += quantifier.length;
      if (closed?.quantified) return 'must have no quantifier on a group that contains a quantifier';
      if (closed?.alternates && quantifier.most > 1) return 'must not repeat a group of alternatives';
      const most = Math.min(quantifier.most, PATTERN_TEXT_LENGTH);
      repeats += Math.max(quantifier.least, quantifier.most === Infinity ? 0 : quantifier.most);
      ways *= Math.max(1, most - quantifier.least + 1);
      outer.quantified = true;
    }
    if (closed !== undefined) {
      outer.quantified ||= closed.quantified;
      outer.alternates ||= closed.alternates;
    }
  }
  ways *= whole.branches;
  if (!pattern.startsWith('^') || whole.branches > 1) ways *= PATTERN_TEXT_LENGTH;
  if (repeats > MAX_REPEATS) return `must repeat at most ${MAX_REPEATS} times in all`;
  return ways > MAX_WAYS
    ? 'has too many ways to match: begin with ^, and use fewer or narrower quantifiers'
    : undefined;
}
