/** Conditions in Korean, English and Vietnamese: every rule that ships, whole, and the forms that they do not use. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { EventType } from '../../domain/event.ts';
import { LANGUAGES, type Language, shippedFields } from '../../rules/catalogue.ts';
import { readRule } from '../../rules/check/rule.ts';
import { type Sentence, sentenceOf } from '../../rules/say/sentence.ts';
import { ruleFile } from './fixtures.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
const filesOf = (folder: string): Record<string, unknown>[] =>
  readdirSync(path.join(ROOT, folder))
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(path.join(ROOT, folder, name), 'utf8')));

const fields = shippedFields();
const types = new Map(
  filesOf('producers/catalogue').map((type) => [type['type'] as string, type as unknown as EventType]),
);
const context = { fields, eventType: (name: string) => types.get(name) };

test.each(filesOf('rules/published').map((rule) => [rule['id'] as string, rule]))('%s is said', (_, file) => {
  const { condition } = readRule(file, context);
  const said = LANGUAGES.map((language) => sentenceOf(condition, language).text);
  expect(`\n${said.join('\n\n')}\n`).toMatchSnapshot();
  // Nothing of the language of files, no label that is missing.
  for (const text of said) expect(text).not.toMatch(/undefined|citizen\.|event\.|item\.|\[object|null/);
});

const checkup = { ...types.get('kr.nhis.checkup-window.opened')!, type: 'kr.test.said' };
const say = (condition: unknown, language: Language = 'ko'): string =>
  sentenceOf(
    readRule(ruleFile({ agency: 'nhis', on: checkup.type, condition, basis: { law: 'Act on Examples' } }), {
      fields,
      eventType: () => checkup,
    }).condition,
    language,
  ).text;

const birth = { var: 'citizen.birthDate' };
const child = { var: 'item.birthDate' };
const children = { var: 'citizen.children' };
const sex = { var: 'citizen.sex' };
const year = { var: 'citizen.lastCheckupYear' };
const bracket = { var: 'citizen.lastLiverScreening' };
const closes = { var: 'event.closesOn' };
const female = { '==': [sex, 'F'] };
const insurance = { var: 'citizen.insurance' };

describe('in Korean', () => {
  test.each([
    [{ '>=': [{ age: [birth] }, 65] }, '만 65세 이상일 것'],
    [{ '<': [{ age: [birth] }, 65] }, '만 65세 미만일 것'],
    [{ '!': [{ '<': [{ age: [birth] }, 65] }] }, '만 65세 이상일 것'],
    [{ '>': [65, { age: [birth] }] }, '만 65세 미만일 것'],
    [{ '!=': [{ age: [birth] }, 17] }, '만 17세가 아닐 것'],
    [{ between: [{ age: [birth] }, 20, 64] }, '만 20세 이상 64세 이하일 것'],
    [{ '!': [{ between: [{ age: [birth] }, 20, 64] }] }, '만 20세 이상 64세 이하가 아닐 것'],
    [{ in: [{ yearAge: [birth] }, [40, 66]] }, '연 나이가 40세 또는 66세일 것'],
    [{ '==': [{ parity: [birth] }, 0] }, '짝수 해에 태어났을 것'],
    [{ '!=': [{ parity: [birth] }, 0] }, '홀수 해에 태어났을 것'],
    [{ '==': [{ monthDay: [birth] }, 229] }, '생일이 2월 29일일 것'],
    [{ '>=': [birth, '2007-03-01'] }, '생년월일이 2007년 3월 1일이거나 그 후일 것'],
    [{ '<': [birth, '2007-03-01'] }, '생년월일이 2007년 3월 1일보다 전일 것'],
    [{ '<=': [{ addYears: [birth, 65] }, closes] }, '만 65세가 되는 날이 마감일이거나 그 전일 것'],
    [{ '==': [year, 2024] }, '최근 건강검진 연도(받은 적 없으면 0)가 2024년일 것'],
    [{ '!=': [year, 2024] }, '최근 건강검진 연도(받은 적 없으면 0)가 2024년이 아닐 것'],
    [{ '<': [year, 2024] }, '최근 건강검진 연도(받은 적 없으면 0)가 2024년보다 전일 것'],
    [{ known: [year] }, '최근 건강검진 연도(받은 적 없으면 0)가 알려져 있을 것'],
    [{ '!': [{ known: [sex] }] }, '성별이 알려져 있지 않을 것'],
    [female, '성별이 여성일 것'],
    [{ '!': [female] }, '성별이 여성이 아닐 것'],
    [{ in: [insurance, ['employee']] }, '건강보험 가입 구분이 직장가입자일 것'],
    [
      { '!': [{ in: [insurance, ['employee', 'dependant']] }] },
      '건강보험 가입 구분이 직장가입자, 피부양자 중 어느 것도 아닐 것',
    ],
    [{ var: 'citizen.disabled' }, '‘등록 장애인’에 해당할 것'],
    [{ '==': [{ var: 'citizen.disabled' }, false] }, '‘등록 장애인’에 해당하지 않을 것'],
    [{ '==': [bracket, 3] }, '최근 간암 검진 반기(20261은 2026년 상반기, 받은 적 없으면 0)가 3과 같을 것'],
    [
      { '<': [bracket, 20261] },
      '최근 간암 검진 반기(20261은 2026년 상반기, 받은 적 없으면 0)가 2026년 상반기보다 전일 것',
    ],
    [
      { '>=': [bracket, 20252] },
      '최근 간암 검진 반기(20261은 2026년 상반기, 받은 적 없으면 0)가 2025년 하반기이거나 그 후일 것',
    ],
    [
      {
        '>=': [
          { yearAge: [birth] },
          { if: [female, 20, { '>=': [{ var: 'citizen.lastCheckupYear' }, 2020] }, 30, 40] },
        ],
      },
      '연 나이가 (성별이 여성이면 20세, 그렇지 않고 최근 건강검진 연도(받은 적 없으면 0)가 2020년이거나 그 후이면 30세, 그 밖에는 40세) 이상일 것',
    ],
    [
      { '<=': [birth, { if: [{ or: [female, { known: [insurance] }] }, '1980-01-01', closes] }] },
      '생년월일이 (‘다음 중 하나 이상에 해당할 것: 성별이 여성일 것; 건강보험 가입 구분이 알려져 있을 것’에 해당하면 1980년 1월 1일, 그 밖에는 마감일)이거나 그 전일 것',
    ],
    [
      {
        if: [
          female,
          { '>=': [{ age: [birth] }, 20] },
          { '>=': [{ age: [birth] }, 60] },
          { known: [insurance] },
          false,
        ],
      },
      '경우에 따라 다음을 만족할 것:\n- 성별이 여성이면:\n  - 만 20세 이상일 것\n- 그렇지 않고 만 60세 이상이면:\n  - 건강보험 가입 구분이 알려져 있을 것\n- 그렇지 않으면:\n  - 언제나 거짓일 것',
    ],
    [{ within: [closes, 7] }, '마감일이 판정일부터 7일 이내일 것'],
    [{ '>=': [{ daysUntil: [closes] }, 0] }, '마감일이 판정일이거나 그 후일 것'],
    [{ '>': [{ daysUntil: [closes] }, 10] }, '마감일까지 남은 날수가 10일 초과일 것'],
    [{ '<': [birth, { addWorkingDays: [closes, -3] }] }, '생년월일이 마감일의 3영업일 전보다 전일 것'],
    [
      { '==': [birth, { workingDay: [closes, 'next'] }] },
      '생년월일이 마감일(쉬는 날이면 다음 영업일)과 같을 것',
    ],
    [{ some: [children, { '<': [{ age: [child] }, 6] }] }, '만 6세 미만인 자녀가 있을 것'],
    [{ none: [children, { '<': [{ age: [child] }, 6] }] }, '만 6세 미만인 자녀가 없을 것'],
    [{ '!': [{ some: [children, { '<': [{ age: [child] }, 6] }] }] }, '만 6세 미만인 자녀가 없을 것'],
    [{ all: [children, { '<': [{ age: [child] }, 6] }] }, '자녀가 있고 모든 자녀가 만 6세 미만일 것'],
    [
      { '!': [{ all: [children, { '<': [{ age: [child] }, 6] }] }] },
      '자녀가 없거나 모든 자녀가 만 6세 미만인 것은 아닐 것',
    ],
    [
      {
        some: [
          children,
          { and: [{ '>=': [{ ageMonths: [child] }, 4] }, { '<=': [{ ageMonths: [child] }, 6] }] },
        ],
      },
      '생후 4개월 이상이고 생후 6개월 이하인 자녀가 있을 것',
    ],
    [
      { '!': [{ and: [female, { '>=': [{ age: [birth] }, 40] }] }] },
      '다음 중 하나 이상에 해당할 것:\n- 성별이 여성이 아닐 것\n- 만 40세 미만일 것',
    ],
    [
      { if: [female, { '>=': [{ age: [birth] }, 20] }, { '>=': [{ age: [birth] }, 40] }] },
      '경우에 따라 다음을 만족할 것:\n- 성별이 여성이면:\n  - 만 20세 이상일 것\n- 그렇지 않으면:\n  - 만 40세 이상일 것',
    ],
  ])('%j', (condition, wanted) => {
    expect(say(condition)).toBe(wanted);
  });
});

test.each([
  [{ '>=': [{ age: [birth] }, 65] }, 'aged 65 or over', 'từ 65 tuổi tròn trở lên'],
  [{ '==': [{ parity: [birth] }, 0] }, 'born in an even year', 'sinh vào năm chẵn'],
  [
    { '>=': [year, 2024] },
    'the year of the last health check-up (0: never) is no earlier than 2024',
    'năm khám sức khỏe gần nhất (0: chưa từng) không sớm hơn năm 2024',
  ],
  [
    { '!': [{ known: [year] }] },
    'there is no value for the year of the last health check-up (0: never)',
    'không có dữ liệu về năm khám sức khỏe gần nhất (0: chưa từng)',
  ],
  [
    { none: [children, { '<': [{ age: [child] }, 6] }] },
    'for none of the children: aged under 6',
    'không có con nào mà chưa đến 6 tuổi tròn',
  ],
  [
    { '>=': [{ yearAge: [birth] }, { if: [female, 20, 40] }] },
    'the age reached in the year is at least (20 if the sex is “female”, else 40)',
    'tuổi tính theo năm từ (20 tuổi nếu giới tính là “nữ”, còn lại là 40 tuổi) trở lên',
  ],
  [
    { '!': [{ all: [children, { '<': [{ age: [child] }, 6] }] }] },
    'there are no children, or not for each of them: aged under 6',
    'không có con, hoặc không phải mọi con đều chưa đến 6 tuổi tròn',
  ],
  [
    { '<': [bracket, 20261] },
    'the half-year of the last liver cancer screening (20261 is January to June 2026, 0: never) is before the first half of 2026',
    'nửa năm tầm soát ung thư gan gần nhất (20261 là tháng 1 đến tháng 6 năm 2026, 0: chưa từng) trước nửa đầu năm 2026',
  ],
  [
    { within: [closes, 1] },
    'the closing date is within 1 day from the day judged',
    'ngày kết thúc nằm trong 1 ngày kể từ ngày xét',
  ],
  [
    { '!': [{ in: [insurance, ['employee', 'dependant']] }] },
    'the kind of health insurance is neither “insured through an employer” nor “dependant of an insured person”',
    'loại bảo hiểm y tế không phải là giá trị nào trong số “tham gia qua nơi làm việc”, “người phụ thuộc”',
  ],
])('%j in English and Vietnamese', (condition, en, vi) => {
  expect([say(condition, 'en'), say(condition, 'vi')]).toEqual([en, vi]);
});

test('every line names its place in the rule, and no text can leave its quotes or turn what follows', () => {
  const condition = {
    and: [female, { or: [{ '!': [female] }, { '==': [{ var: 'event.area' }, 'x’\u202e"'] }] }],
  };
  const { condition: tree } = readRule(ruleFile({ agency: 'nhis', on: checkup.type, condition }), {
    fields,
    eventType: () => checkup,
  });
  const lines = ({ pointer, lead, parts }: Sentence): unknown[] => [[pointer, lead], ...parts.flatMap(lines)];
  expect(lines(sentenceOf(tree, 'ko'))).toEqual([
    ['/condition/and', '다음을 모두 만족할 것'],
    ['/condition/and/0/==', '성별이 여성일 것'],
    ['/condition/and/1/or', '다음 중 하나 이상에 해당할 것'],
    ['/condition/and/1/or/0/!/0/==', '성별이 여성이 아닐 것'],
    ['/condition/and/1/or/1/==', '대상 지역이 ‘x\\u{2019}\\u{202e}\\u{22}’일 것'],
  ]);
});
