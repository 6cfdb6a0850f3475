/** What changed from one text to another, word by word: for whoever approves it and has read the one before. */

export type Piece = { readonly kind: 'same' | 'lost' | 'gained'; readonly text: string };

/** Of longer texts all is shown as lost and gained: the work grows with the square. */
const MOST_WORDS = 3_000;

export function differenceOf(before: string, after: string): readonly Piece[] {
  const [old, fresh] = [wordsOf(before), wordsOf(after)];
  if (old.length > MOST_WORDS || fresh.length > MOST_WORDS)
    return joined([
      { kind: 'lost', text: before },
      { kind: 'gained', text: after },
    ]);
  const common = commonLengths(old, fresh);
  const pieces: Piece[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < fresh.length) {
    const [was, is] = [old[i], fresh[j]];
    if (was !== undefined && was === is) {
      pieces.push({ kind: 'same', text: was });
      i++;
      j++;
    } else if (was !== undefined && (is === undefined || common[i + 1]![j]! >= common[i]![j + 1]!)) {
      pieces.push({ kind: 'lost', text: was });
      i++;
    } else {
      pieces.push({ kind: 'gained', text: is! });
      j++;
    }
  }
  return joined(pieces);
}

/** Words, and the space between them, which counts too. A value in braces is one word. */
const wordsOf = (text: string): readonly string[] => text.match(/\{\{.*?\}\}|\s+|[^\s{]+|\{/g) ?? [];

/** At `[i][j]`: how many words the rest of both has in common, in order. */
function commonLengths(old: readonly string[], fresh: readonly string[]): readonly Uint16Array[] {
  const rows = Array.from({ length: old.length + 1 }, () => new Uint16Array(fresh.length + 1));
  for (let i = old.length - 1; i >= 0; i--)
    for (let j = fresh.length - 1; j >= 0; j--)
      rows[i]![j] =
        old[i] === fresh[j] ? rows[i + 1]![j + 1]! + 1 : Math.max(rows[i + 1]![j]!, rows[i]![j + 1]!);
  return rows;
}

/** Neighbours of one kind as one piece; of what was replaced first all that went, then all that came. */
function joined(pieces: readonly Piece[]): readonly Piece[] {
  const found: Piece[] = [];
  let [lost, gained] = ['', ''];
  const flush = (): void => {
    if (lost !== '') found.push({ kind: 'lost', text: lost });
    if (gained !== '') found.push({ kind: 'gained', text: gained });
    [lost, gained] = ['', ''];
  };
  let same = '';
  for (const { kind, text } of pieces) {
    if (kind === 'same') {
      flush();
      same += text;
      continue;
    }
    if (same !== '') found.push({ kind: 'same', text: same });
    same = '';
    if (kind === 'lost') lost += text;
    else gained += text;
  }
  flush();
  if (same !== '') found.push({ kind: 'same', text: same });
  return found;
}
