/** Where to go on after sign-in. Comes from an address anybody can write, so only a path of ours is believed. */

const LONGEST = 512;
/** Back there one would go round in circles, or act. */
const NOT_A_PLACE = /^\/(?:sign-in|sign-out|identity)(?:[/?#]|$)/;

/**
 * The path with its query and fragment, or null. Browsers read `//host`, `/\host` and `/<tab>/host` as another host (WHATWG URL), so it is
 * read as they do and must still be here.
 */
export function localPath(given: unknown): string | null {
  if (typeof given !== 'string' || given.length > LONGEST || !given.startsWith('/')) return null;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is refused.
  if (/[\\\u0000-\u0020\u007f]/.test(given) || !given.isWellFormed()) return null;
  const base = 'http://here.invalid';
  const url = URL.parse(given, base);
  if (url === null || url.origin !== base || url.username !== '') return null;
  const path = `${url.pathname}${url.search}${url.hash}`;
  // `/..//host` comes out as `//host`.
  return path.startsWith('//') || NOT_A_PLACE.test(path) ? null : path;
}
