/** HTML as a type: what is put into a template is escaped unless it is HTML already, so that no text can become markup. */

export type Html = { readonly markup: string };
type Part = Html | string | number | null | undefined | false | readonly Part[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
}

function write(part: Part): string {
  if (part === null || part === undefined || part === false) return '';
  if (typeof part === 'string') return escapeHtml(part);
  if (typeof part === 'number') return String(part);
  if ('markup' in part) return part.markup;
  return part.map(write).join('');
}

/** Attributes stand in double quotes; nothing goes into a script, a style or a tag's name. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { markup: texts.reduce((out, text, index) => out + write(parts[index - 1]) + text) };
}

/** Text of several lines, each on its own. */
export function lines(text: string): Html {
  return { markup: text.split('\n').map(escapeHtml).join('<br>') };
}
