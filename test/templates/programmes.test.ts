/** The programmes that ship: event types, rules and words, in every language, channel and reach, with ordinary and extreme events. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { longestValues } from '../../app/authoring-checks.ts';
import type { Content } from '../../domain/content.ts';
import type { EventType } from '../../domain/event.ts';
import { parseEventType } from '../../domain/event-types.ts';
import { measureSms } from '../../domain/kr/sms-bytes.ts';
import { toE164 } from '../../domain/kr/telephone.ts';
import type { Rule } from '../../domain/rule.ts';
import { CHANNELS } from '../../domain/statuses.ts';
import { shippedFields } from '../../rules/catalogue.ts';
import { readRule } from '../../rules/check/rule.ts';
import {
  loadTemplates,
  renderContent,
  type Template,
  type TemplateCatalogue,
  type TemplateValues,
} from '../../templates/catalogue.ts';
import { assertTemplates } from '../../templates/check.ts';

const root = join(import.meta.dirname, '../..');
const read = <T>(...path: string[]) => JSON.parse(readFileSync(join(root, ...path), 'utf8')) as T;
const types = new Map(
  readdirSync(join(root, 'producers/catalogue')).map((file) => {
    const type = read<EventType>('producers/catalogue', file);
    return [type.type, type];
  }),
);
const rules = readdirSync(join(root, 'rules/published')).map((file) => read<Rule>('rules/published', file));
const fields = shippedFields();
const LOCALES = ['ko', 'en', 'vi'] as const;
const CODE = 'K7Q2-93';

let catalogue: TemplateCatalogue;
beforeAll(async () => {
  catalogue = await loadTemplates();
});

type Property = {
  type?: string;
  maximum?: number;
  maxLength?: number;
  properties?: Record<string, Property>;
};
type Data = Record<string, unknown>;

/** The event with every amount as given, and every text as long as its schema lets it be. */
function extreme(data: Data, schema: Property, amount: number): Data {
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => {
      const property = schema.properties?.[name] ?? {};
      if (property.properties) return [name, extreme(value as Data, property, amount)];
      if (property.type === 'integer' && (property.maximum ?? 0) > 1e9) return [name, amount];
      if (property.type === 'string' && property.maxLength !== undefined)
        return [name, (name === 'en' ? 'W' : '뷔').repeat(property.maxLength)];
      return [name, value];
    }),
  );
}

function eventsOf(type: EventType): Data[] {
  return type.examples.flatMap((example) => [
    example,
    extreme(example, type.schema as Property, 0),
    extreme(example, type.schema as Property, 9_999_999_999),
  ]);
}

const textOf = (content: Content) =>
  Object.entries(content)
    .filter(([part]) => part !== 'channel' && part !== 'html')
    .map(([, text]) => text)
    .join('\n');

const stringsIn = (value: unknown): string[] =>
  typeof value === 'string'
    ? [value]
    : value !== null && typeof value === 'object'
      ? Object.values(value).flatMap(stringsIn)
      : [];

/** What is ours of a text: without what the event brought. */
function ownWords(text: string, event: Data): string {
  return stringsIn(event)
    .sort((a, b) => b.length - a.length)
    .reduce((rest, part) => (/[가-힣]/.test(part) ? rest.replaceAll(part, '') : rest), text);
}

type Said = {
  rule: Rule;
  stage: string;
  template: Template;
  locale: string;
  channel: string;
  reach: string;
  event: Data;
  content: Content;
  text: string;
};

/** Every text of a rule over every event; a correction against the same event and against one in which everything was otherwise. */
function* said(rule: Rule): Generator<Said> {
  const type = types.get(rule.on)!;
  for (const [stage, name] of Object.entries(rule.templates)) {
    const template = catalogue.templates.get(name)!;
    for (const event of eventsOf(type))
      for (const { channel, locale, reach } of template.texts) {
        const values: TemplateValues = {
          event,
          deadline: rule.deadline === undefined ? null : '2026-12-31',
          action: rule.action ?? {},
          agency: catalogue.agencyName(rule.agency, locale),
          code: CODE,
        };
        const before = extreme(event, type.schema as Property, 1_234);
        const variants =
          stage === 'corrected'
            ? [
                { ...values, old: { deadline: values.deadline ?? null, event } },
                { ...values, old: { deadline: '2026-11-30', event: before } },
              ]
            : [values];
        for (const variant of variants) {
          const content = renderContent(template, { channel, locale, reach, values: variant });
          yield {
            rule,
            stage,
            template,
            locale,
            channel,
            reach,
            event: { ...event, before },
            content,
            text: textOf(content),
          };
        }
      }
  }
}

describe('event types', () => {
  const ajv = new Ajv2020({ allErrors: true });
  (formats as unknown as (ajv: Ajv2020) => void)(ajv);

  test.each([...types.values()].map((type) => [type.type, type] as const))(
    '%s: examples fit, more does not',
    (_, type) => {
      expect(parseEventType(type)).toEqual(type);
      const validate = ajv.compile(type.schema);
      for (const example of type.examples) {
        expect({ example, errors: validate(example) ? null : validate.errors }).toEqual({
          example,
          errors: null,
        });
        expect(validate({ ...example, unheardOf: 1 })).toBe(false);
      }
      expect(type.agency).toBe(type.type.split('.')[1]);
    },
  );

  test('whatever is opened can be ended by an event of the same agency', () => {
    for (const rule of rules) {
      const opened = types.get(rule.on)!;
      const kind = rule.obligation?.kind ?? opened.obligationKind;
      const ends = [...types.values()].filter(
        (type) =>
          type.agency === rule.agency &&
          type.obligationKind === kind &&
          /settles|withdraws/.test(type.effect),
      );
      expect([rule.id, ends.length > 0]).toEqual([rule.id, true]);
    }
  });
});

test('the twenty-nine programmes are there, some of them in several parts', () => {
  expect(rules.map((rule) => rule.id).sort()).toEqual([
    'kdca-influenza-child',
    'kdca-influenza-pregnant',
    'kdca-influenza-senior',
    'kdca-vaccination-dose',
    'knpa-fine',
    'knpa-penalty',
    'koroad-licence-renewal',
    'kosaf-loan-repayment',
    'kosaf-national-scholarship',
    'kosaf-scholarship-consent',
    'local-automobile-tax',
    'local-resident-card',
    'local-resident-card-guardian',
    'mma-examination',
    'moel-job-seeker-support',
    'moel-unemployment-recognition',
    'mofa-passport-expiry',
    'mogef-large-family',
    'mogef-single-parent',
    'mohw-basic-pension',
    'mohw-child-allowance',
    'mohw-disability-support',
    'mohw-parental-benefit',
    'mois-disaster',
    'mois-relief-fund',
    'mpva-veteran-support',
    'nhis-breast-screening',
    'nhis-cervical-screening',
    'nhis-colorectal-screening',
    'nhis-general-checkup',
    'nhis-infant-checkup',
    'nhis-infant-oral-checkup',
    'nhis-liver-screening',
    'nhis-lung-screening',
    'nhis-stomach-screening',
    'nps-old-age-pension',
    'nts-earned-income-credit',
    'nts-income-tax',
    'nts-property-tax',
    'nts-real-estate-tax',
    'nts-vat-prepayment',
    'nts-vat-return',
  ]);
  const category = (id: string) => rules.find((rule) => rule.id === id)?.category;
  expect(['knpa-fine', 'knpa-penalty', 'mma-examination'].map(category)).toEqual(
    Array.from({ length: 3 }, () => 'statutory'),
  );
  expect(category('mois-disaster')).toBe('emergency');
});

/** Those that lack a name in a language, or have one that is written in another. */
const unnamed = (named: readonly (readonly [string, Readonly<Record<string, string>>])[]): string[] =>
  named.flatMap(([id, names]) =>
    LOCALES.filter(
      (locale) => /[가-힣]/.test(names[locale] ?? '') !== (locale === 'ko') || !names[locale],
    ).map((locale) => `${id} ${locale}`),
  );

test('every agency and every event type has a name in Korean, English and Vietnamese', () => {
  const agencies = read<Record<string, Record<string, string>>>('templates/catalogue/agencies.json');
  expect(unnamed(Object.entries(agencies))).toEqual([]);
  expect(unnamed([...types.values()].map(({ type, title }) => [type, title]))).toEqual([]);
});

describe.each(rules.map((rule) => [rule.id, rule] as const))('%s', (_, rule) => {
  const type = types.get(rule.on)!;

  test('is a rule whose own test citizens come out as it says, with all three answers where it reads a citizen', () => {
    const read = readRule(rule, { fields, eventType: (name) => types.get(name) });
    expect(read.rule.id).toBe(rule.id);
    expect(rule.tests.length).toBeGreaterThanOrEqual(6);
    expect(new Set(rule.tests.map((one) => one.name)).size).toBe(rule.tests.length);
    const expected = new Set(rule.tests.map((one) => one.expect));
    expect(expected.has('certain') && expected.has('no')).toBe(true);
    if (JSON.stringify(rule.condition).includes('citizen.')) expect(expected.has('possible')).toBe(true);
  });

  test('names its law, its source and the day it was checked', () => {
    expect(rule.basis?.['law']).toMatch(/법/);
    // The state's own sites: ministries and agencies, and three public corporations.
    expect(rule.basis?.['source']).toMatch(
      /^https:\/\/(?:[^/]+\.go|www\.(?:nhis|nps|safedriving)\.or)\.kr\/$/,
    );
    expect(Temporal.PlainDate.from(rule.basis!['checkedOn']!).year).toBe(2026);
    expect(rule.action?.url).toMatch(/^https:/);
    // Short numbers of the state (110, 126, 1355) and nationwide ones (15xx, 16xx) have no form abroad.
    expect(rule.action?.tel).toMatch(/^1\d{2,3}$|^1[56]\d\d-\d{4}$/);
    expect(toE164(rule.action!.tel!)).toBeNull();
  });

  test('it has a name in Korean, English and Vietnamese, and its test citizens have one in Korean', () => {
    expect(unnamed([[rule.id, rule.title]])).toEqual([]);
    const tests = rule.tests.map(({ title }) => title?.['ko'] ?? '');
    expect(tests.filter((said) => !/[가-힣0-9]/.test(said))).toEqual([]);
    expect(new Set(tests).size).toBe(new Set(rule.tests.map(({ name }) => name)).size);
  });

  test('its templates pass the check, with nothing missing, in Korean, English and Vietnamese', () => {
    const citizenFields = longestValues(fields, rule.agency);
    const report = assertTemplates(catalogue, { rule, eventType: type, citizenFields });
    expect(report.missing).toEqual([]);
    for (const name of Object.values(rule.templates)) {
      const { byKey } = catalogue.templates.get(name)!;
      for (const locale of LOCALES)
        for (const channel of CHANNELS)
          for (const reach of rule.reach === 'possible' ? ['certain', 'possible'] : ['certain'])
            expect([name, byKey.has(`${locale}.${channel}.${reach}`)]).toEqual([name, true]);
    }
  });

  test('it names a template for each stage and for corrections', () => {
    expect(Object.keys(rule.templates).sort()).toEqual(
      [...rule.stages.map((stage) => stage.kind), 'corrected'].sort(),
    );
  });

  test('every text renders for every event, whole, in its language and within its channel', () => {
    let count = 0;
    for (const { locale, channel, event, content, text, template, stage } of said(rule)) {
      count++;
      const where = `${template.name}/${locale}.${channel} (${stage}): ${text}`;
      const faults: string[] = [];
      const must = (holds: boolean, what: string) => holds || faults.push(`${what}: ${where}`);
      must(!/\{\{|\}\}|undefined|null|NaN|\[object/.test(text), 'is whole');
      must(!/!|\s[,.]| {2}|\n{3}|\.\.|\(\)/.test(text), 'has no gaps and no exclamation marks');
      const own = ownWords(text, event);
      must(/[가-힣]/.test(own) === (locale === 'ko'), 'has Korean letters in Korean only');
      if (content.channel === 'sms') {
        const { bytes, lost, extended } = measureSms(content.text);
        must(bytes <= 90, `has ${bytes} bytes`);
        // 뷔 stands for any syllable of KS X 1001.
        must(lost.length + extended.length === 0, 'is in EUC-KR');
        must(!/https?:/.test(content.text), 'has no link');
        must(content.text.endsWith(CODE), 'ends with the code');
        must(content.text.startsWith('['), 'begins with the sender');
        must(
          rule.category === 'emergency' || content.text.includes(rule.action!.tel!),
          'has a number to call',
        );
        if (locale !== 'ko') must(/^[ -~]*$/.test(own), 'is ASCII');
      } else if (locale === 'vi' && !template.sensitive)
        must(/[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]/i.test(own), 'has its diacritics');
      if (content.channel === 'email') {
        must(content.html.includes(`lang="${locale}"`), 'says its language');
        must(content.html.includes(`href="${rule.action?.url}"`), 'has its link');
        must(!content.html.includes('<p></p>'), 'has no empty paragraph');
        must(!content.subject.includes('\n'), 'has a subject of one line');
      }
      expect(faults).toEqual([]);
    }
    expect(count).toBeGreaterThan(50);
  });

  test('in Korean it speaks in short sentences and everyday words', () => {
    for (const { locale, channel, text, event, template } of said(rule)) {
      if (locale !== 'ko') continue;
      expect(text).not.toMatch(/귀하|바랍니다|금일|미이행|불이익|해당자|상기|필히|기한 내/);
      // A text message is short as it is, and what agencies bring may make a sentence longer.
      if (channel === 'sms') continue;
      if (JSON.stringify(event).includes('9999999999') || JSON.stringify(event).includes('뷔뷔')) continue;
      for (const sentence of text.split(/(?<=[.다요])[.\n]\s*|\n/))
        expect([template.name, sentence, sentence.length <= 50]).toEqual([template.name, sentence, true]);
    }
  });

  test('outside text messages a day has its weekday', () => {
    for (const { channel, locale, text } of said(rule)) {
      if (channel === 'sms') continue;
      const days =
        text.match(
          locale === 'ko'
            ? /\d+월 \d+일.{3}/g
            : locale === 'vi'
              ? /.{0,12}ngày \d+ tháng \d+/g
              : /\w*,? ?\d+ (?:January|July|November|December)/g,
        ) ?? [];
      for (const day of days)
        expect(day).toMatch(
          locale === 'ko' ? /\([월화수목금토일]\)$/ : locale === 'vi' ? /(?:thứ |Chủ nhật)/ : /day, /,
        );
    }
  });
});

test('a warning of a disaster says in each language that it goes by the registered address and beside the alarm on every phone', () => {
  const words: Record<string, readonly [RegExp, RegExp]> = {
    ko: [/주소/, /재난문자/],
    en: [/address/, /cell (?:broadcast|alert)/],
    vi: [/địa chỉ|dia chi/, /tin nhắn khẩn cấp|tin khan/],
  };
  for (const { locale, text } of said(rules.find((rule) => rule.id === 'mois-disaster')!))
    for (const word of words[locale]!) expect(text).toMatch(word);
});

test.each([
  ['nhis-liver-screening', /간암|liver|\bgan\b|ung thư|ung thu|cancer/i],
  ['nhis-lung-screening', /폐암|lung|phổi|\bphoi\b|ung thư|ung thu|cancer|흡연|담배|smok|thuốc/i],
  ['kdca-influenza-pregnant', /임신|산모|pregnan|maternity|mang thai|독감|influenza|flu|cúm/i],
  ['mogef-single-parent', /한부모|single|parent|đơn thân|don than/i],
  ['mohw-disability-support', /장애|disab|khuyết tật|khuyet tat/i],
])('%s says nothing of what it is about on a locked screen', (id, about) => {
  for (const { channel, locale, content, text } of said(rules.find((rule) => rule.id === id)!)) {
    const shown = content.channel === 'email' ? content.subject : text;
    expect([channel, locale, about.test(shown)]).toEqual([channel, locale, false]);
  }
});

test('the words are those that were agreed', () => {
  const say = (name: string, channel: 'push' | 'sms', event: object, deadline: string, old?: object) =>
    renderContent(catalogue.templates.get(name)!, {
      channel,
      locale: 'ko',
      reach: 'certain',
      values: {
        event: event as Record<string, unknown>,
        deadline,
        action: { tel: '1577-1000' },
        agency: '국세청',
        code: CODE,
        ...(old ? { old: old as { event: Record<string, unknown>; deadline: string } } : {}),
      },
    });
  expect(say('checkup-opened', 'sms', {}, '2026-12-31')).toEqual({
    channel: 'sms',
    text: '[국민건강보험] 올해 건강검진 대상입니다. 12/31까지 받으세요. 문의 1577-1000 확인 K7Q2-93',
  });
  expect(
    say('property-tax-corrected', 'push', { amount: 118_500 }, '2026-07-31', {
      event: { amount: 132_000 },
      deadline: '2026-07-31',
    }),
  ).toEqual({
    channel: 'push',
    title: '재산세 금액이 바뀌었습니다',
    body: '132,000원 → 118,500원. 7월 31일(금)까지 내세요.',
  });
});
