/** What a service worker does with what it is pushed: pure, so that it is tried without a browser. */

export type Pushed =
  | {
      readonly kind: 'show';
      readonly id: string;
      readonly title: string;
      readonly body: string;
      readonly receipt: string | null;
    }
  | { readonly kind: 'read'; readonly id: string }
  | { readonly kind: 'nothing' };

export type GenericWords = { readonly title: string; readonly body: string };

/** Deliveries that were shown here; a push service may bring one again, days later. */
const REMEMBERED = 300;

/** `text` is what was decrypted; a message that says nothing we know is still told of, since browsers want every push to show. */
export function readPushed(text: string | null, words: GenericWords): Pushed {
  let given: Record<string, unknown>;
  try {
    given = JSON.parse(text ?? '') as Record<string, unknown>;
  } catch {
    return { kind: 'nothing' };
  }
  const { id, title, body, receipt, read } = given ?? {};
  if (typeof id !== 'string' || !/^[A-Za-z0-9_-]{22}$/.test(id)) return { kind: 'nothing' };
  if (read === true) return { kind: 'read', id };
  const said = (value: unknown, other: string) =>
    typeof value === 'string' && value.trim() !== '' ? value : other;
  return {
    kind: 'show',
    id,
    title: said(title, words.title),
    body: said(body, words.body),
    receipt: typeof receipt === 'string' ? receipt : null,
  };
}

/** Whether it was shown before, and the list with it. */
export function remember(
  shown: readonly string[],
  id: string,
): { readonly before: boolean; readonly shown: readonly string[] } {
  if (shown.includes(id)) return { before: true, shown };
  return { before: false, shown: [...shown, id].slice(-REMEMBERED) };
}

/** Pages that are kept for reading offline: the lists, and each notice that was opened. */
export function isKept(pathname: string, search: string): boolean {
  if (search !== '') return false;
  return pathname === '/me' || pathname === '/me/all' || /^\/me\/notices\/[0-9a-f-]{36}$/.test(pathname);
}

/** Whose page it is, as its head says. */
export function keeperOf(html: string): string | null {
  return /<meta name="allim-keeper" content="([0-9a-f]{16})">/.exec(html)?.[1] ?? null;
}

/** The language that a page is in, which is the one its reader chose. */
export function languageOf(html: string): string | null {
  return /<html lang="([a-z]{2,3}(?:-[A-Za-z]{2,4})?)"/.exec(html)?.[1] ?? null;
}

/** What a page needs of our own server to look as it does. */
export function partsOf(html: string): string[] {
  const found = html.matchAll(/(?:href|src)="(\/(?:assets|icons)\/[\w.-]+)"/g);
  return [...new Set([...found].map((match) => match[1] as string))];
}
