/**
 * What stands around every page that the server writes: head, skip link, name, menu, languages, foot. The same for citizens and for strangers,
 * so that the page that tells a false notice looks like the one that shows a true one.
 */
import type { FastifyRequest } from 'fastify';
import { holdsResidentNumber } from '../../domain/kr/resident-number.ts';
import type { Assets } from '../ui/assets.ts';
import type { Languages, Words } from './words.ts';

export type Place = 'todo' | 'all' | 'choices' | 'data';

export type Frame = {
  readonly lang: string;
  readonly title: string;
  readonly t: Words;
  readonly csrf: string;
  readonly styles: readonly string[];
  readonly scripts: readonly string[];
  readonly preloads: readonly string[];
  readonly home: string;
  readonly signedIn: boolean;
  /** Empty without a login: strangers have no menu. */
  readonly menu: readonly {
    readonly href: string;
    readonly label: string;
    readonly icon: Place;
    readonly current: boolean;
  }[];
  readonly languages: readonly {
    readonly code: string;
    readonly name: string;
    readonly href: string;
    readonly current: boolean;
  }[];
  /** Names whose this browser's kept pages are, and tells nothing of them. */
  readonly keeper: string;
  /** The key that push services know us by; empty where no push is sent. */
  readonly pushKey: string;
};

export type FrameParts = { readonly assets: Assets; readonly languages: Languages };

const PLACES: readonly (readonly [Place, string])[] = [
  ['todo', '/me'],
  ['all', '/me/all'],
  ['choices', '/me/choices'],
  ['data', '/me/data'],
];

export function createFrame({ assets, languages }: FrameParts) {
  const names = new Map(languages.codes.map((code) => [code, nameOf(code)]));
  const ui = assets.entry('ui');
  const citizen = assets.entry('citizen');

  return (given: {
    readonly lang: string;
    readonly title: string;
    /** Where the page is, to come back to in another language. */
    readonly url: string;
    readonly csrf?: string;
    readonly place?: Place | null;
    readonly keeper?: string;
    readonly pushKey?: string;
  }): Frame => {
    const t = languages.words(given.lang);
    const signedIn = given.place !== undefined;
    const labels = { todo: t.frame.todo, all: t.frame.all, choices: t.frame.choices, data: t.frame.data };
    return {
      lang: given.lang,
      title: `${given.title} · ${t.frame.service}`,
      t,
      csrf: given.csrf ?? '',
      styles: [...ui.styles, ...citizen.styles],
      // Public pages work the same without a script, so they have none.
      scripts: signedIn && citizen.script !== null ? [citizen.script] : [],
      preloads: signedIn ? citizen.preloads : [],
      home: signedIn ? '/me' : '/',
      signedIn,
      menu: signedIn
        ? PLACES.map(([icon, href]) => ({ icon, href, label: labels[icon], current: icon === given.place }))
        : [],
      languages: signedIn
        ? []
        : languages.codes.map((code) => ({
            code,
            name: names.get(code)!,
            href: withLanguage(given.url, code),
            current: code === given.lang,
          })),
      keeper: given.keeper ?? '',
      pushKey: given.pushKey ?? '',
    };
  };
}

/** In itself: whoever looks for their language reads that one. */
function nameOf(code: string): string {
  const name = new Intl.DisplayNames([code], { type: 'language' }).of(code) ?? code;
  return name.slice(0, 1).toLocaleUpperCase(code) + name.slice(1);
}

/** The address that was asked for, and of what it asked everything but what no text of ours holds. */
function withLanguage(url: string, code: string): string {
  const [path = '/', query = ''] = url.split('?', 2);
  const parameters = new URLSearchParams(
    [...new URLSearchParams(query)].filter((one) => !one.some(holdsResidentNumber)),
  );
  parameters.set('lang', code);
  return `${path}?${parameters}`;
}

/** `?lang=` of an address, where there is such a language. */
export function askedLanguage(request: FastifyRequest, languages: Languages): string | null {
  const { lang } = (request.query ?? {}) as { lang?: unknown };
  return typeof lang === 'string' && languages.codes.includes(lang) ? lang : null;
}
