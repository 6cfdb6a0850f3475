/**
 * Every text of the pages that citizens and strangers see, by language: one file a language, `words.<code>.ts`, held against the Korean one
 * by its type. A language is there when its file is; nothing else names it.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { HOME_LOCALE } from '../../domain/jurisdiction.ts';
import { type LocaleFallbacks, localesFor } from '../../domain/locales.ts';
import type { words as korean } from './words.ko.ts';

type Written<T> = T extends string
  ? string
  : T extends (...given: infer Given) => string
    ? (...given: Given) => string
    : T extends readonly string[]
      ? readonly string[]
      : { readonly [K in keyof T]: Written<T[K]> };

export type Words = Written<typeof korean>;

export type Languages = {
  /** In the order in which they are offered. */
  readonly codes: readonly string[];
  words(code: string): Words;
  /** The language of the pages for a reader who wants `wanted`, by the table of fallbacks. */
  best(wanted: string, fallbacks: LocaleFallbacks): string;
};

/** The language of the state first, then by their codes. */
export async function loadWords(folder: string = import.meta.dirname): Promise<Languages> {
  const found = new Map<string, Words>();
  const written = readdirSync(folder).flatMap((name) => {
    const code = /^words\.([a-z]{2,3}(?:-[A-Z]{2})?)\.ts$/.exec(name)?.[1];
    return code === undefined ? [] : [code];
  });
  for (const code of written.sort()) {
    const file = pathToFileURL(path.join(folder, `words.${code}.ts`)).href;
    found.set(code, ((await import(file)) as { words: Words }).words);
  }
  const codes = [HOME_LOCALE, ...[...found.keys()].filter((code) => code !== HOME_LOCALE)];
  return {
    codes,
    words: (code) => found.get(code) ?? found.get(HOME_LOCALE)!,
    best: (wanted, fallbacks) => localesFor(wanted, fallbacks).find((code) => found.has(code)) ?? HOME_LOCALE,
  };
}

/** The first language of an Accept-Language header that there is, by its weights; null where there is none. */
export function acceptedLanguage(header: string | undefined, codes: readonly string[]): string | null {
  const wanted = (header ?? '')
    .split(',')
    .slice(0, 20)
    .map((part) => {
      const [tag = '', ...parameters] = part.trim().split(';');
      const quality = parameters.map((one) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/.exec(one)?.[1]).find(Boolean);
      return { tag: tag.trim().toLowerCase(), quality: quality === undefined ? 1 : Number(quality) };
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality);
  for (const { tag } of wanted) {
    const match =
      codes.find((code) => code.toLowerCase() === tag) ?? codes.find((code) => code === tag.split('-', 1)[0]);
    if (match !== undefined) return match;
  }
  return null;
}
