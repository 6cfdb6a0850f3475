/** An index of the pictures: each shot a row, its languages and widths beside one another. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Language, Width } from './shot.ts';

export type Taken = {
  readonly name: string;
  readonly language: Language;
  readonly width: Width;
  readonly file: string;
};

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;margin:2rem;background:#f4f5f6;color:#1e2124}
h2{margin:2.5rem 0 .5rem;font-size:1.1rem}nav{columns:14rem;margin:1rem 0}nav a{display:block}
.row{display:flex;gap:1rem;align-items:flex-start;overflow-x:auto;padding-bottom:.5rem}
figure{margin:0;flex:none}img{display:block;border:1px solid #cdd1d5;background:#fff}figcaption{font-size:.85rem;color:#58616a}`;

/** Shown at a third of their size, the narrow ones at half. */
const shownWidth = (width: Width): number => Math.round(width * (width > 1_000 ? 0.33 : 0.5));

export async function writeGallery(folder: string, taken: readonly Taken[]): Promise<string> {
  const rows = Map.groupBy(taken, ({ name }) => name);
  const names = [...rows.keys()];
  const figure = ({ file, language, width }: Taken) =>
    `<figure><a href="${file}"><img src="${file}" width="${shownWidth(width)}" alt="${file}" loading="lazy"></a><figcaption>${language} · ${width}</figcaption></figure>`;
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Screenshots</title><style>${STYLE}</style>
<h1>Screenshots</h1><nav>${names.map((name) => `<a href="#${name}">${name}</a>`).join('')}</nav>
${names.map((name) => `<h2 id="${name}">${name}</h2><div class="row">${rows.get(name)!.map(figure).join('')}</div>`).join('\n')}
`;
  const file = path.join(folder, 'index.html');
  await writeFile(file, html);
  return file;
}
