/**
 * The staff console: one page, whose script draws every place under `/console` and asks `web/api/` with the session's cookie. It serves the
 * built files and says who is signed in; it reads no data and decides nothing: what a person may see and do, the API says each time.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Permission } from '../../producers/credential.ts';
import { pageHeaders } from '../pages/headers.ts';
import { type Html, html } from '../pages/html.ts';
import { csrfOf } from '../sign-in/csrf.ts';
import { mayStaff, needStaff, type Staff } from '../sign-in/person.ts';
import type { Assets } from '../ui/assets.ts';

export type ConsoleParts = {
  readonly assets: Assets;
  /** What agencies are called, by id. */
  readonly agencies: () => ReadonlyMap<string, { readonly name: Readonly<Record<string, string>> }>;
};

/** What the console asks of a person before it shows a place or a button; the API asks again. */
const ASKED = ['read', 'rules', 'approve', 'operate', 'mend', 'support', 'audit'] as const;

/** As `data-person` of the page has it. */
export type ShownPerson = {
  readonly id: string;
  readonly name: string;
  /** null: a platform owner. */
  readonly agency: { readonly id: string; readonly name: Readonly<Record<string, string>> } | null;
  /** Whose rules an owner may write. */
  readonly agencies: readonly { readonly id: string; readonly name: Readonly<Record<string, string>> }[];
  readonly roles: readonly string[];
  readonly may: readonly string[];
};

export async function mountConsole(app: FastifyInstance, parts: ConsoleParts): Promise<void> {
  const page = { config: { permission: 'staff' satisfies Permission, signIn: 'staff' } } as const;
  for (const url of ['/console', '/console/*'])
    app.get(url, page, async (request, reply) => {
      const language = needStaff(request).locale.startsWith('en') ? 'en' : 'ko';
      return pageHeaders(reply, language)
        .type('text/html; charset=utf-8')
        .send(`<!doctype html>\n${pageOf(parts, request, language).markup}`);
    });
}

function personOf({ agencies }: ConsoleParts, person: Staff): ShownPerson {
  const all = [...agencies()].map(([id, { name }]) => ({ id, name }));
  const own = all.filter(({ id }) => person.agency === null || id === person.agency);
  return {
    id: `staff:${person.subject}`,
    name: person.name,
    agency: person.agency === null ? null : (own[0] ?? { id: person.agency, name: {} }),
    agencies: own,
    roles: person.roles,
    may: ASKED.filter((permission) => mayStaff(person, permission)),
  };
}

const TITLES = { ko: '알림 업무', en: 'Allim console' } as const;
const NO_SCRIPT = {
  ko: '이 화면은 자바스크립트가 있어야 합니다. 브라우저 설정에서 켜 주세요.',
  en: 'The console needs JavaScript. Switch it on in your browser’s settings.',
} as const;

function pageOf(parts: ConsoleParts, request: FastifyRequest, language: 'ko' | 'en'): Html {
  const ui = parts.assets.entry('ui');
  const console = parts.assets.entry('console');
  const styles = [...ui.styles, ...console.styles].map(
    (href) => html`<link rel="stylesheet" href="${href}">`,
  );
  const preloads = console.preloads.map((href) => html`<link rel="modulepreload" href="${href}">`);
  return html`<html lang="${language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="allim-csrf" content="${csrfOf(request)}">
<title>${TITLES[language]}</title><link rel="icon" href="data:,">
${styles}${preloads}<script type="module" src="${console.script}"></script></head>
<body class="console"><div id="root" data-person="${JSON.stringify(personOf(parts, needStaff(request)))}"></div>
<noscript><p class="notice warning">${NO_SCRIPT[language]}</p></noscript></body></html>`;
}
