/** Counts of people as the API shows them: a number, few, or one that is hidden so that the few cannot be had by subtraction. */
import { formatNumber } from '../formats.ts';
import { type Spoken, useLanguage, useWords } from '../words.ts';

export type PeopleCount = number | '<10' | 'hidden';

const WORDS: Spoken<{ readonly few: string; readonly hidden: string; readonly hiddenWhy: string }> = {
  ko: { few: '10 미만', hidden: '가림', hiddenWhy: '적은 수를 셈할 수 없도록 가렸습니다' },
  en: {
    few: 'fewer than 10',
    hidden: 'hidden',
    hiddenWhy: 'Hidden, so that a small count cannot be worked out',
  },
};

export function People({ count }: { readonly count: PeopleCount }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  if (typeof count === 'number') return <>{formatNumber(count, language)}</>;
  return count === '<10' ? <>{words.few}</> : <abbr title={words.hiddenWhy}>{words.hidden}</abbr>;
}

/** The same within a sentence. */
export function usePeople(): (count: PeopleCount) => string {
  const words = useWords(WORDS);
  const language = useLanguage();
  return (count) =>
    typeof count === 'number' ? formatNumber(count, language) : count === '<10' ? words.few : words.hidden;
}

/** For pictures: few are drawn as few. */
export const drawn = (count: PeopleCount): number => (typeof count === 'number' ? count : 5);
