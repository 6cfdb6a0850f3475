/**
 * How the console speaks. A page keeps its words beside it, in both languages under one type: `const WORDS: Spoken<PageWords> = { ko, en }`,
 * read by `useWords(WORDS)`. A word that one language lacks fails the type check.
 */
import { createContext, useContext } from 'react';

export const LANGUAGES = ['ko', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

export type Spoken<Words> = Readonly<Record<Language, Words>>;

export const LanguageContext = createContext<Language>('ko');

export const useLanguage = (): Language => useContext(LanguageContext);

export function useWords<Words>(spoken: Spoken<Words>): Words {
  return spoken[useLanguage()];
}

/** The name in this language, else in another, else what stands in for it. */
export function nameIn(
  names: Readonly<Record<string, string>> | undefined,
  language: Language,
  otherwise: string,
): string {
  return names?.[language] ?? names?.['ko'] ?? otherwise;
}
