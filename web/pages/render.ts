/**
 * Pages that the server writes: Handlebars files (`pages/*.hbs`), compiled once when the server starts, with everything that is put in
 * escaped. A source that could put markup in raw is refused, and a value that is missing is an error, not an empty place.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import Handlebars from 'handlebars';

export type Pages = {
  /** HTML. Throws where the view lacks what the page names. */
  render(page: string, view: object): string;
};

const KNOWN = { each: true, if: true, unless: true, with: true } as const;
/** The library's own default, said aloud: unsaid, it writes a warning to the console for each name it refuses. */
const OWN_PROPERTIES = { allowProtoPropertiesByDefault: false, allowProtoMethodsByDefault: false };
const RAW = /\{\{\{|\{\{~?&/;

/** `pages/<name>.hbs` is a page, `pages/_<name>.hbs` a part of pages: `{{> name}}`, `{{#> frame}}…{{/frame}}`. A part's folder may be another. */
export function readPages(folders: readonly string[]): Pages {
  const handlebars = Handlebars.create();
  for (const name of ['lookup', 'log', 'blockHelperMissing', 'helperMissing'])
    handlebars.unregisterHelper(name);
  const options = { strict: true, knownHelpers: KNOWN, knownHelpersOnly: true, preventIndent: true };
  const pages = new Map<string, Handlebars.TemplateDelegate>();
  for (const folder of folders)
    for (const file of readdirSync(folder)) {
      const [, part, name] = /^(_?)([a-z][a-z-]*)\.hbs$/.exec(file) ?? [];
      if (name === undefined) continue;
      const source = readFileSync(path.join(folder, file), 'utf8');
      if (RAW.test(source)) throw new Error(`${file} puts in something that is not escaped`);
      const compiled = handlebars.compile(source, options);
      if (part === '_') handlebars.registerPartial(name, compiled);
      else if (pages.has(name)) throw new Error(`there are two pages named ${name}`);
      else pages.set(name, compiled);
    }
  return {
    render(name, view) {
      const page = pages.get(name);
      if (page === undefined) throw new Error(`there is no page ${name}`);
      return page(view, OWN_PROPERTIES);
    },
  };
}
