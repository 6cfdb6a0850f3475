/** C0 controls and DEL: refused in ids, keys and texts, because they separate the parts of our own keys and Postgres keeps no NUL. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what it looks for
export const CONTROL = /[\u0000-\u001f\u007f]/;

/** What somebody else said, as a text column takes it: one NUL would fail the statement and all beside it. Nobody reads more of it. */
export function storable(text: string): string {
  return text.replaceAll(new RegExp(CONTROL, 'g'), ' ').slice(0, 200);
}
