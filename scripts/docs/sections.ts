/** Parts of documents that are written by a program, each between two comments: `<!-- name: written by … -->` and `<!-- end of name -->`. */

export type Section = { readonly name: string; readonly by: string; readonly text: string };

/** The document with the section in its place. Throws where it has none: then the two comments have to be put in by hand, once. */
export function withSection(document: string, section: Section): string {
  const { name, by, text } = section;
  const begin = document.indexOf(`<!-- ${name}: `);
  const end = document.indexOf(`<!-- end of ${name} -->`);
  if (begin < 0 || end < begin) throw new Error(`the document has no place for ${name}`);
  return `${document.slice(0, begin)}<!-- ${name}: written by ${by} -->\n\n${text}\n\n${document.slice(end)}`;
}
