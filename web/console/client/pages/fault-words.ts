/** What the check of a record says of a place at fault is English, as the schema's own words are: the usual ones in Korean as well. */
import type { Language } from '../words.ts';

const TYPES: Readonly<Record<string, string>> = {
  integer: '정수',
  number: '숫자',
  string: '글자',
  boolean: '참·거짓',
  object: '항목들의 묶음({ … })',
  array: '목록([ … ])',
};

const KOREAN: readonly (readonly [RegExp, (...found: string[]) => string])[] = [
  [/^must be (integer|number|string|boolean|object|array)$/, (type) => `${TYPES[type!]} 값이어야 합니다`],
  [
    /^must be ((?:\w+,)+\w+)$/,
    (types) =>
      `${types!
        .split(',')
        .map((type) => TYPES[type] ?? type)
        .join(' 또는 ')} 값이어야 합니다`,
  ],
  [/^must have required property '(.+)'$/, (name) => `${name} 값이 없습니다`],
  [/^is missing$/, () => '값이 없습니다'],
  [/^is not known$/, () => '정해지지 않은 항목입니다'],
  [/^is not a known event type$/, () => '등록되지 않은 이벤트입니다'],
  [/^must begin with (.+)$/, (start) => `${start} 꼴로 시작해야 합니다`],
  [/^must be one of (.+)$/, (values) => `다음 가운데 하나여야 합니다: ${values}`],
  [/^must NOT have additional properties$/, () => '정해지지 않은 항목이 있습니다'],
  [
    /^must be equal to one of the allowed values: (.+)$/,
    (values) => `다음 가운데 하나여야 합니다: ${values}`,
  ],
  [/^must be equal to one of the allowed values$/, () => '정해진 값 가운데 하나여야 합니다'],
  [/^must be equal to constant$/, () => '정해진 값이어야 합니다'],
  [/^must match format "(.+)"$/, (format) => `${format} 꼴로 써야 합니다`],
  [/^must match pattern "(.+)"$/, (pattern) => `${pattern} 꼴로 써야 합니다`],
  [/^must be >= (.+)$/, (least) => `${least} 이상이어야 합니다`],
  [/^must be <= (.+)$/, (most) => `${most} 이하여야 합니다`],
  [/^must NOT have fewer than (\d+) characters$/, (least) => `${least}자 이상이어야 합니다`],
  [/^must NOT have more than (\d+) characters$/, (most) => `${most}자 이하여야 합니다`],
  [/^must NOT have fewer than (\d+) items$/, (least) => `${least}개 이상이어야 합니다`],
  [/^must NOT have more than (\d+) items$/, (most) => `${most}개 이하여야 합니다`],
];

/** As it is where there are no other words for it. */
export function sayFault(message: string, language: Language): string {
  if (language === 'en') return message;
  for (const [pattern, say] of KOREAN) {
    const found = pattern.exec(message);
    if (found !== null) return say(...found.slice(1));
  }
  return message;
}
