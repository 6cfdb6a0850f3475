/** What a schema says against a record, for clerks: the server's words are a program's, and English. What is not known here stays as it was said. */
import type { Spoken } from '../words.ts';

type Said = (message: string) => string;

const SHAPES: Readonly<Record<string, string>> = {
  integer: '정수(예: 2026)',
  number: '숫자',
  string: '글자',
  boolean: '참(true)이나 거짓(false)',
  array: '목록',
  object: '항목의 묶음',
  null: '빈 값(null)',
};

/** From what the server says to Korean; `$1` is what the words speak of. */
const KOREAN: readonly (readonly [RegExp, (about: string) => string])[] = [
  [/^is missing$/, () => '빠졌습니다.'],
  [/^is not known$/, () => '모르는 항목입니다.'],
  [
    /^must be ((?:integer|number|string|boolean|array|object|null)(?:,\w+)*)$/,
    (types) =>
      `${types
        .split(',')
        .map((type) => SHAPES[type] ?? type)
        .join(' 또는 ')}여야 합니다.`,
  ],
  [
    /^must be equal to one of the allowed values: (.*)$/,
    (values) => `다음 가운데 하나여야 합니다: ${values}`,
  ],
  [/^must be equal to constant/, () => '정해진 값이 아닙니다.'],
  [/^must be >= (.*)$/, (limit) => `${limit} 이상이어야 합니다.`],
  [/^must be <= (.*)$/, (limit) => `${limit} 이하여야 합니다.`],
  [/^must be > (.*)$/, (limit) => `${limit}보다 커야 합니다.`],
  [/^must be < (.*)$/, (limit) => `${limit}보다 작아야 합니다.`],
  [/^must begin with (.*)$/, (start) => `${start}(으)로 시작해야 합니다.`],
  [/^must be one of (.*)$/, (values) => `다음 가운데 하나여야 합니다: ${values}`],
  [/^has a schema that is not admitted$/, () => '쓸 수 없게 정의된 이벤트입니다.'],
  [/^is not a known event type$/, () => '등록되지 않은 이벤트입니다.'],
  [/^must match format "date"$/, () => '날짜여야 합니다(예: 2026-12-31).'],
  [/^must match format "date-time"$/, () => '날짜와 시각이어야 합니다(예: 2026-12-31T09:00:00+09:00).'],
  [/^must match (?:format|pattern)/, () => '정해진 꼴이 아닙니다.'],
  [/^must NOT have more than (\d+) characters$/, (count) => `${count}자까지 쓸 수 있습니다.`],
  [/^must NOT have fewer than (\d+) characters$/, (count) => `${count}자 이상이어야 합니다.`],
  [/^must NOT have more than (\d+) items$/, (count) => `${count}개까지 넣을 수 있습니다.`],
  [/^must NOT have fewer than (\d+) items$/, (count) => `${count}개 이상이어야 합니다.`],
];

export const FAULT_SAID: Spoken<Said> = {
  ko: (message) => {
    for (const [pattern, say] of KOREAN) {
      const found = pattern.exec(message);
      if (found !== null) return say(found[1] ?? '');
    }
    return message;
  },
  en: (message) => message,
};
