/**
 * Korean particles that change with the last sound of the word before them: 은/는 이/가 을/를 과/와 으로/로.
 * es-hangul decides for Hangul; here the end of a word in digits, Latin letters or signs is first brought to the Hangul it is read as.
 */
import { josa } from 'es-hangul';

const PAIRS = {
  '은/는': '은/는',
  '이/가': '이/가',
  '을/를': '을/를',
  '과/와': '와/과',
  '와/과': '와/과',
  '으로/로': '으로/로',
} as const;

export type Particle = keyof typeof PAIRS;
export const PARTICLES = Object.keys(PAIRS) as readonly Particle[];

export function isParticle(value: string): value is Particle {
  return Object.hasOwn(PAIRS, value);
}

const DIGITS = ['영', '일', '이', '삼', '사', '오', '육', '칠', '팔', '구'] as const;
/** Readings of 10, 100, 1000 and of each four zeros beyond. */
const TENS = ['', '십', '백', '천'] as const;
const MYRIADS = ['', '만', '억', '조', '경'] as const;

/** Letter names: only L, M, N and R end in a consonant. */
const LETTERS: Readonly<Record<string, string>> = { l: '엘', m: '엠', n: '엔', r: '알' };

/** Units after a number are spoken in full. The longer ones come first. */
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/\d\s*%$/u, '퍼센트'],
  [/\d\s*kg$/iu, '킬로그램'],
  [/\d\s*(?:km|㎞)$/iu, '킬로미터'],
  [/\d\s*(?:m²|㎡)$/iu, '제곱미터'],
  [/\d\s*cm$/iu, '센티미터'],
  [/\d\s*℃$/u, '도'],
  [/\d\s*m$/u, '미터'],
];

function readingOfNumber(digits: string): string {
  const zeros = digits.length - digits.replace(/0+$/u, '').length;
  if (zeros === digits.length) return DIGITS[0];
  if (zeros === 0) return DIGITS[Number(digits.at(-1))] ?? '';
  return TENS[zeros % 4] || (MYRIADS[zeros / 4] ?? '');
}

function readingOfLatin(word: string): string {
  const last = word.at(-1)!.toLowerCase();
  if (word === word.toUpperCase()) return LETTERS[last] ?? '이';
  // Words: l, m, n, ng close the syllable; b, c, k, p, t do after one short vowel (app 앱, Facebook 페이스북, internet 인터넷).
  if (last === 'l') return '을';
  if (last === 'm' || last === 'n' || /ng$/iu.test(word)) return '인';
  return /[aeiou](?:[bckpt]|ck|pp|tt)$/iu.test(word) ? '입' : '이';
}

/** The last Hangul syllable of the word as it is read aloud; '' where nothing of it is. */
function lastSyllable(word: string): string {
  let rest = word.trimEnd();
  // What stands in brackets is not read (National Institute of Korean Language), so `7월 31일(금)` ends in 일.
  for (let before = ''; before !== rest; ) {
    before = rest;
    rest = rest.replace(/(?<=.)(?:\([^()]*\)|\[[^[\]]*\]|〈[^〈〉]*〉)$/u, '').trimEnd();
    rest = rest.replace(/[\p{Pe}\p{Pf}\p{Po}"'`」』》]$/u, (sign) => (sign === '%' ? sign : '')).trimEnd();
  }
  for (const [unit, reading] of UNITS) if (unit.test(rest)) return reading;
  const number = /(\d[\d,]*)(\.\d+)?$/u.exec(rest);
  if (number) {
    const fraction = number[2];
    if (fraction) return DIGITS[Number(fraction.at(-1))] ?? '';
    // Groups behind a hyphen are a telephone or file number and read digit by digit: 공 for 0.
    const grouped = /-\d+$/u.test(rest);
    const digits = number[1]!.replaceAll(',', '');
    return grouped ? (DIGITS[Number(digits.at(-1))] ?? '') : readingOfNumber(digits);
  }
  const latin = /[A-Za-z]+$/u.exec(rest);
  if (latin) return readingOfLatin(latin[0]);
  return rest.at(-1) ?? '';
}

/** The particle that fits, alone: `particleAfter('132,000원', '을/를')` is 를. */
export function particleAfter(word: string, particle: Particle): string {
  const syllable = lastSyllable(word);
  // Nothing that can be read: the form after a vowel is the shorter and the less wrong one.
  return josa.pick(syllable === '' ? '이' : syllable, PAIRS[particle]);
}

/** The word with its particle. */
export function withParticle(word: string, particle: Particle): string {
  return word + particleAfter(word, particle);
}
