/** Every refusal that there is, by something that is refused so: its place, and sentences that a clerk can read in three languages. */
import { describe, expect, test } from '@jest/globals';
import { AllimError } from '../../domain/errors.ts';
import { LANGUAGES, readFields } from '../../rules/catalogue.ts';
import { readRule } from '../../rules/check/rule.ts';
import { REFUSAL_CODES, type RefusalCode, type RuleFault } from '../../rules/refusals.ts';
import { fields as common, eventType, ruleFile } from './fixtures.ts';

const types = new Map(
  [
    eventType,
    { ...eventType, type: 'kr.test.settled', effect: 'settles' as const },
    { ...eventType, type: 'kr.other.opened', agency: 'other' },
    { ...eventType, type: 'kr.test.loose', schema: { type: 'object', properties: { any: {} } } },
    {
      ...eventType,
      type: 'kr.test.year',
      schema: { type: 'object', properties: { year: { type: 'integer', minimum: 2020, maximum: 2100 } } },
    },
  ].map((type) => [type.type, type]),
);

const labels = { ko: '시·군·구', en: 'district', vi: 'quận, huyện' };
const district = {
  name: 'district',
  type: 'string',
  pattern: '^[0-9]{5}$',
  sensitivity: 'ordinary',
  agencies: ['*'],
  labels,
};
const fields = new Map([...common, ...readFields({ fields: [district] })]);

function faultsOf(file: unknown): readonly RuleFault[] {
  try {
    readRule(file, { fields, eventType: (name) => types.get(name) });
  } catch (error) {
    if (error instanceof AllimError && error.code === 'rule-invalid')
      return error.faults as readonly RuleFault[];
    throw error;
  }
  return [];
}

const i = { var: 'citizen.i' };
const b = { var: 'citizen.b' };
const d = { var: 'citizen.d' };
const s = { var: 'citizen.s' };
const kids = { var: 'citizen.children' };
const when = (condition: unknown) => ruleFile({ condition });
const stage = (more: object) =>
  ruleFile({ stages: [{ kind: 'opened', anchor: 'event', offset: 'P0D', ...more }] });
const one = (more: object) =>
  ruleFile({
    tests: [{ name: 'one', asOf: '2026-02-01', citizen: { b: true }, event: {}, expect: 'certain', ...more }],
  });
const year = (given: number) => ruleFile({ ...one({ event: { year: given } }), on: 'kr.test.year' });
const nested = (depth: number): unknown => (depth === 0 ? b : { '!': [nested(depth - 1)] });

const EXAMPLES: readonly (readonly [code: RefusalCode, file: unknown, pointer: string])[] = [
  ['too-deep', when(nested(40)), `/condition${'/!/0'.repeat(32)}`],
  [
    'too-large',
    when({ and: Array.from({ length: 20 }, () => ({ and: Array.from({ length: 60 }, () => b) })) }),
    '/condition/and/16/and/22',
  ],
  ['too-wide', when({ and: Array.from({ length: 201 }, () => b) }), '/condition/and'],
  [
    'too-costly',
    when({ or: Array.from({ length: 60 }, () => ({ '<': [i, { var: 'citizen.i2' }] })) }),
    '/condition',
  ],
  ['not-one-operator', when({ and: [b], or: [b] }), '/condition'],
  ['operator-unknown', when({ '+': [1, 2] }), '/condition/+'],
  ['argument-count', when({ between: [i, 1] }), '/condition/between'],
  ['type-wrong', when({ '<': [d, i] }), '/condition/</1'],
  ['literal-wrong', when({ '==': [s, 11] }), '/condition/==/1'],
  ['variable-malformed', when({ '==': [{ var: 5 }, 1] }), '/condition/==/0/var'],
  ['variable-unknown', when({ '==': [{ var: 'nobody.i' }, 1] }), '/condition/==/0/var'],
  ['citizen-out-of-reach', ruleFile({ obligation: { kind: 'x', ref: i } }), '/obligation/ref/var'],
  ['field-unknown', when({ '==': [{ var: 'citizen.x' }, 1] }), '/condition/==/0/var'],
  ['field-is-list', when({ '==': [kids, 1] }), '/condition/==/0/var'],
  ['field-is-no-list', when({ some: [i, true] }), '/condition/some/0'],
  ['field-foreign', when({ '==': [{ var: 'citizen.tax' }, 1] }), '/condition/==/0/var'],
  ['item-outside-list', when({ '==': [{ var: 'item.grade' }, 1] }), '/condition/==/0/var'],
  ['member-unknown', when({ some: [kids, { '==': [{ var: 'item.x' }, 1] }] }), '/condition/some/1/==/0/var'],
  [
    'member-is-citizen',
    when({ some: [kids, { known: [{ var: 'item.id' }] }] }),
    '/condition/some/1/known/0/var',
  ],
  ['list-in-list', when({ some: [kids, { some: [kids, true] }] }), '/condition/some/1/some'],
  ['event-path-unknown', when({ '==': [{ var: 'event.x' }, 1] }), '/condition/==/0/var'],
  [
    'event-path-untyped',
    ruleFile({ on: 'kr.test.loose', condition: { '==': [{ var: 'event.any' }, 1] } }),
    '/condition/==/0/var',
  ],
  ['known-of-what', when({ known: ['citizen.i'] }), '/condition/known/0'],
  ['amount-too-large', when({ within: [d, 200_000] }), '/condition/within/1'],
  [
    'direction-unknown',
    when({ '==': [{ workingDay: [d, 'after'] }, '2026-01-01'] }),
    '/condition/==/0/workingDay/1',
  ],
  ['literals-only', when({ '==': [1, 1] }), '/condition/==/0'],
  ['no-order', when({ '<': [s, 'a'] }), '/condition/</0'],
  ['value-unknown', when({ '==': [{ var: 'citizen.e' }, 'pink'] }), '/condition/==/1'],
  ['value-unlike', when({ '==': [{ var: 'citizen.district' }, '1168'] }), '/condition/==/1'],
  ['needle-literal', when({ in: ['a', ['a']] }), '/condition/in/0'],
  ['list-wanted', when({ in: [i, { var: 'event.integer' }] }), '/condition/in/1'],
  ['list-of-other-type', when({ in: [i, { var: 'event.texts' }] }), '/condition/in/1'],
  ['list-empty', when({ in: [i, []] }), '/condition/in/1'],
  ['list-too-long', when({ in: [i, new Array(201).fill(1)] }), '/condition/in/1'],
  ['literal-wanted', when({ in: [i, [i]] }), '/condition/in/1/0'],
  ['choice-incomplete', when({ if: [b, true] }), '/condition/if'],
  ['null-literal', when({ '==': [i, null] }), '/condition/==/1'],
  ['list-misplaced', when({ '==': [i, [1]] }), '/condition/==/1'],
  ['number-out-of-range', when({ '==': [i, 1e308] }), '/condition/==/1'],
  ['not-json', when({ '==': [i, 10n] }), '/condition/==/1'],
  ['text-unreadable', when({ '==': [s, 'a\0'] }), '/condition/==/1'],
  ['text-too-long', when({ '==': [s, 'x'.repeat(201)] }), '/condition/==/1'],
  ['day-unknown', when({ '<': [d, '2026-02-30'] }), '/condition/</1'],
  ['shape-unknown-member', ruleFile({ wings: 2 }), '/wings'],
  ['shape-missing-member', ruleFile({ title: { ko: '시험' } }), '/title/en'],
  ['shape-value', ruleFile({ reach: 'sure' }), '/reach'],
  ['shape-type', ruleFile({ stages: 1 }), '/stages'],
  ['shape-written', stage({ offset: '7 days' }), '/stages/0/offset'],
  ['shape-too-few', ruleFile({ channels: [] }), '/channels'],
  ['shape-too-many', ruleFile({ title: { ko: '시'.repeat(201), en: 'x' } }), '/title/ko'],
  ['shape-repeated', ruleFile({ channels: ['sms', 'sms'] }), '/channels'],
  ['event-type-unknown', ruleFile({ on: 'kr.nobody.opened' }), '/on'],
  ['event-type-tells-nobody', ruleFile({ on: 'kr.test.settled' }), '/on'],
  ['event-type-foreign', ruleFile({ on: 'kr.other.opened' }), '/on'],
  [
    'obligation-type',
    ruleFile({ obligation: { kind: 'x', ref: { var: 'event.boolean' } } }),
    '/obligation/ref',
  ],
  [
    'not-without-citizen',
    ruleFile({
      deadline: {
        at: { if: [{ '==': [{ var: 'event.integer' }, 1] }, { var: 'event.date' }, '2026-01-01'] },
      },
    }),
    '/deadline/at/if',
  ],
  ['stage-reserved', stage({ kind: 'corrected' }), '/stages/0/kind'],
  [
    'stage-twice',
    ruleFile({
      stages: [
        { kind: 'opened', anchor: 'event', offset: 'P0D' },
        { kind: 'opened', anchor: 'event', offset: 'P1D' },
      ],
    }),
    '/stages/1/kind',
  ],
  ['template-missing', ruleFile({ templates: {} }), '/templates/opened'],
  ['template-without-stage', ruleFile({ templates: { opened: 'x', d7: 'y' } }), '/templates/d7'],
  ['deadline-missing', stage({ anchor: 'deadline' }), '/stages/0/anchor'],
  ['anchor-of-citizen', stage({ anchor: d }), '/stages/0/anchor'],
  ['law-missing', when({ var: 'citizen.ill' }), '/basis/law'],
  ['test-day', one({ asOf: '2026-02-30' }), '/tests/0/asOf'],
  ['test-field-unknown', one({ citizen: { x: 1 } }), '/tests/0/citizen/x'],
  ['shape-too-small', year(2019), '/tests/0/event/year'],
  ['shape-too-large', year(2101), '/tests/0/event/year'],
  ['test-citizen-invalid', one({ citizen: { i: 11 } }), '/tests/0/citizen/i'],
  ['test-failed', one({ expect: 'no' }), '/tests/0/expect'],
];
/** A file that is no JSON is the command's to refuse (test/app/rules-command.test.ts), and every keyword of the shape has words of its own. */
const ELSEWHERE: readonly RefusalCode[] = ['file-not-json', 'shape-wrong'];

test('all of them are here', () => {
  const shown = new Set([...EXAMPLES.map(([code]) => code), ...ELSEWHERE]);
  expect(REFUSAL_CODES.filter((code) => !shown.has(code))).toEqual([]);
});

describe('is refused with its place, and said in each language', () => {
  test.each(EXAMPLES)('%s', (code, file, pointer) => {
    const found = faultsOf(file);
    expect(found.map((fault) => [fault.code, fault.pointer])).toContainEqual([code, pointer]);
    for (const { sentences, message } of found) {
      expect(message).toBe(sentences.en);
      expect(Object.keys(sentences)).toEqual([...LANGUAGES]);
      expect(sentences.ko).toMatch(/[가-힣].*[.]$/);
      expect(sentences.en).toMatch(/^[^가-힣]*[.]$/);
      expect(sentences.vi).toMatch(/^[^가-힣]*[.]$/);
      // Nobody who writes rules reads regular expressions, and particles are chosen.
      for (const text of Object.values(sentences)) {
        expect(text).not.toMatch(/\(\?[=:!]|\[0-9\]|\^-\?|\\s/);
        expect(text).not.toMatch(/은\(는\)|이\(가\)|을\(를\)|\(으\)로/);
        expect(text).not.toMatch(/undefined|\[object/);
      }
    }
  });
});

test('5 and "5" are told apart', () => {
  const said = (condition: unknown) =>
    faultsOf(when(condition)).map(({ sentences }) => [sentences.ko, sentences.en, sentences.vi]);
  expect(said({ '==': [s, 11] })).toEqual([
    [
      '따옴표로 묶은 글자가 와야 할 자리에 11이 있습니다.',
      '11 stands where a text in quotes is wanted.',
      '11 nằm ở chỗ cần một văn bản trong ngoặc kép.',
    ],
  ]);
  expect(said({ '==': [i, '11'] })).toEqual([
    [
      '정수가 와야 할 자리에 "11"이 있습니다.',
      '"11" stands where an integer is wanted.',
      '"11" nằm ở chỗ cần một số nguyên.',
    ],
  ]);
});

test('what is written in a certain way is shown by examples', () => {
  const said = (file: unknown) =>
    faultsOf(file).map(({ pointer, sentences }) => `${pointer} ${sentences.ko}`);
  expect(said(stage({ offset: '7 days', time: '9:00' }))).toEqual([
    '/stages/0/offset 적는 방식이 다릅니다. 다음과 같이 적습니다: -P7D, P0D, -P6M.',
    '/stages/0/time 적는 방식이 다릅니다. 다음과 같이 적습니다: 09:00.',
  ]);
  expect(
    said(ruleFile({ action: { url: 'http://x', tel: 'call' }, cascade: { after: '4h' }, id: 'Ä' })),
  ).toHaveLength(4);
  expect(said(ruleFile({ title: { ko: '시험', en: 'Test', korean: 'x' } }))).toEqual([
    '/title/korean "korean"은 규칙에 둘 수 있는 항목이 아닙니다.',
  ]);
});

test('what a test citizen and a test event may have is said by kind', () => {
  const said = (more: object) =>
    faultsOf(one(more)).map(({ pointer, sentences }) => [
      pointer.replace('/tests/0/', ''),
      ...Object.values(sentences),
    ]);
  const citizen = {
    ...{ d: '1799-12-31', i: 11, n: 'x', b: 1, e: 'pink', s: 5, district: '1', tags: 1 },
    children: [{ id: 'c', grade: 13 }, 5, { grade: 1 }],
  };
  expect(said({ citizen })).toMatchSnapshot();
  expect(
    said({ event: { date: '2026-02-30', integer: '1', maybe: 'x', colour: 'blue', integers: ['a'] } }),
  ).toMatchSnapshot();
});

test.each([
  ['NUL in a title', { title: { ko: '시\0험', en: 'Test' } }, '/title/ko'],
  ['half a character in a title', { title: { ko: '시험', en: 'a\ud800' } }, '/title/en'],
  ['a title that turns the direction of writing', { title: { ko: '\u202e험시', en: 'Test' } }, '/title/ko'],
  ['NUL in the law', { basis: { law: 'x\0' } }, '/basis/law'],
  ['half a character as a name', { basis: { ['x\udc00']: 'y' } }, '/basis/x\ufffd'],
  ['NUL in the name of a test', one({ name: 'x\0' }), '/tests/0/name'],
  ['a turned title of a test', one({ title: { ko: '가\u202e나' } }), '/tests/0/title/ko'],
  ['NUL in the event of a test', one({ event: { text: 'a\0' } }), '/tests/0/event/text'],
  [
    'NUL deep in the event of a test',
    one({ event: { more: [{ 'a\0': 1 }] } }),
    '/tests/0/event/more/0/a\ufffd',
  ],
])('%s is refused, which no database keeps or nobody reads as it is', (_, more, pointer) => {
  const found = faultsOf(ruleFile(more as Record<string, unknown>));
  expect(found.map((fault) => [fault.code, fault.pointer])).toEqual([['text-unreadable', pointer]]);
});

test('what is quoted in a sentence cannot turn or break it', () => {
  const [fault] = faultsOf(ruleFile({ 'a\u202eb\u2028c\0': 1 }));
  for (const text of Object.values(fault!.sentences))
    expect(text).toMatch(/"a\\u\{202e\}b\\u\{2028\}c\\u0000"/);
});
