import { describe, expect, test } from '@jest/globals';
import { AllimError } from '../../domain/errors.ts';
import type { EventType } from '../../domain/event.ts';
import { NO_FALLBACKS } from '../../domain/locales.ts';
import type { Rule } from '../../domain/rule.ts';
import {
  citizenFieldsOf,
  parseTemplate,
  renderContent,
  type Template,
  type TemplateValues,
} from '../../templates/catalogue.ts';
import { checkTemplates } from '../../templates/check.ts';
import { inspectSource } from '../../templates/render.ts';

const META = JSON.stringify({ title: { ko: '시험', en: 'Test' } });
const SENSITIVE = JSON.stringify({ title: { ko: '시험' }, sensitive: true });

function faultsOf(files: Record<string, string>): string[] {
  try {
    parseTemplate('t', { 'meta.json': META, ...files });
  } catch (error) {
    if (error instanceof AllimError && error.code === 'template-invalid')
      return error.faults.map((fault) => `${fault.pointer}: ${fault.message}`);
    throw error;
  }
  return [];
}

function render(
  files: Record<string, string>,
  more: Partial<TemplateValues> = {},
  channel: 'push' | 'email' | 'sms' = 'sms',
  locale = 'ko',
) {
  const template = parseTemplate('t', { 'meta.json': META, ...files });
  const values = { event: {}, agency: '국세청', code: 'K7Q2-93', ...more };
  return renderContent(template, { channel, locale, reach: 'certain', values });
}

const sms = (source: string, more: Partial<TemplateValues> = {}) => {
  const content = render({ 'ko.sms.hbs': source }, more);
  return content.channel === 'sms' ? content.text : '';
};

describe('helpers', () => {
  test.each([
    ['{{date deadline}}', '7월 31일(금)'],
    ['{{shortDate deadline}}', '7/31'],
    ['{{time event.at}}', '18시'],
    ['{{time event.half}}', '9시 30분'],
    ['{{money event.won}}', '1,132,000원'],
    ['{{count event.won}}', '1,132,000'],
    ['{{josa agency "이/가"}}', '국세청이'],
    ['{{#changed event.won 1}}다름{{else}}같음{{/changed}}', '다름'],
    ['{{#is event.at "18:00"}}같음{{else}}다름{{/is}}{{#is event.at "9:00"}}!{{/is}}', '같음'],
  ])('%s says %s', (source, expected) => {
    const event = { at: '18:00', half: '2026-07-31T09:30:00+09:00', won: 1_132_000 };
    expect(sms(source, { event, deadline: '2026-07-31' })).toBe(expected);
  });

  test('English spells dates out', () => {
    const source = '{{date deadline}} {{shortDate deadline}} {{time event.at}} {{money event.won}}';
    const more = { deadline: '2026-07-31', event: { at: '09:05', won: 132_000 } };
    expect(render({ 'en.sms.hbs': source }, more, 'sms', 'en')).toEqual({
      channel: 'sms',
      text: 'Friday, 31 July 31 Jul 09:05 132,000 won',
    });
  });

  test('Vietnamese puts the day before the month and dots into numbers', () => {
    const source = '{{date deadline}} {{shortDate deadline}} {{time event.at}} {{money event.won}}';
    const more = { deadline: '2026-08-02', event: { at: '09:05', won: 1_132_000 } };
    expect(render({ 'vi.sms.hbs': source }, more, 'sms', 'vi')).toEqual({
      channel: 'sms',
      text: 'Chủ nhật, ngày 2 tháng 8 2/8 9:05 1.132.000 won',
    });
  });

  test.each([
    ['{{date deadline}}', { deadline: '2026-02-30' }],
    ['{{date deadline}}', { deadline: null }],
    ['{{date deadline}}', {}],
    ['{{money event.won}}', { event: { won: '132000' } }],
    ['{{money event.won}}', { event: { won: 1.5 } }],
    ['{{event.name}}', { event: {} }],
    ['{{josa event.name "이/가"}}', { event: {} }],
  ] as const)('%s with %j is an error, never an empty word', (source, more) => {
    expect(() => sms(source, more)).toThrow(expect.objectContaining({ code: 'template-failed' }));
  });
});

describe('what a source may not do', () => {
  test.each([
    ['{{{event.name}}}', 'line 1: raw output'],
    ['{{&event.name}}', 'line 1: raw output'],
    ['a\n{{> other}}', 'line 2: PartialStatement'],
    ['{{#> other}}{{/other}}', 'line 1: PartialBlockStatement'],
    ['{{#*inline "x"}}{{/inline}}', 'line 1: DecoratorBlock'],
    ['{{shout event.name}}', 'there is no “shout”'],
    ['{{lookup event "name"}}', 'there is no “lookup”'],
    ['{{#each event}}{{/each}}', 'there is no “each”'],
    ['{{date}}{{date deadline 1}}', '“date” takes 1'],
    ['{{date deadline style=1}}', 'named arguments'],
    ['{{date (date deadline)}}', 'only variables and literals'],
    ['{{@root.event}}', 'write its full name'],
    ['{{../event.name}}', 'write its full name'],
    ['{{this}}', 'write its full name'],
    ['{{#if event.name}}', 'Parse error'],
    ['', 'is empty'],
  ])('%j is refused', (source, expected) => {
    expect(faultsOf({ 'ko.sms.hbs': source }).join('\n')).toContain(expected);
  });

  test('names that could reach the prototype reach nothing', () => {
    expect(sms('<{{event.constructor}}{{event.toString}}>', { event: {} })).toBe('<>');
    expect(() => sms('{{event.__proto__.x}}', { event: {} })).toThrow(AllimError);
    expect(() => sms('{{constructor.name}}', { event: {} })).toThrow(AllimError);
  });

  test('files and their first lines are checked, and every fault is told at once', () => {
    const faults = faultsOf({
      'ko.fax.hbs': 'x',
      'ko.push.hbs': 'no title\nbody',
      'ko.email.hbs': 'subject: only',
      'en.sms.hbs': '{{{agency}}}',
    });
    expect(faults).toHaveLength(4);
    expect(faults.join('\n')).toContain('/t/ko.push.hbs: line 1: a push begins with “title: …”');
  });

  test('meta must be there and be right', () => {
    expect(() => parseTemplate('t', { 'ko.sms.hbs': 'x' })).toThrow('is missing');
    expect(() => parseTemplate('t', { 'meta.json': '{"title":1}', 'ko.sms.hbs': 'x' })).toThrow(
      'wants “title”',
    );
    expect(() => parseTemplate('t', { 'meta.json': '{', 'ko.sms.hbs': 'x' })).toThrow(AllimError);
  });

  test('a sensitive push or SMS names nothing but the agency, the code and the action', () => {
    const files = (source: string) => ({ 'meta.json': SENSITIVE, 'ko.sms.hbs': source });
    expect(() =>
      parseTemplate('t', files('{{agency}}: 새 안내가 있습니다. 확인 {{code}} {{action.tel}}')),
    ).not.toThrow();
    for (const name of ['citizen.sido', 'event.amount', 'deadline'])
      expect(() => parseTemplate('t', files(`{{#if ${name}}}x{{/if}}`))).toThrow(
        'a sensitive sms must not show',
      );
    const email = { 'meta.json': SENSITIVE, 'ko.email.hbs': 'subject: 안내\n{{event.amount}}' };
    expect(() => parseTemplate('t', email)).not.toThrow();
  });
});

describe('content', () => {
  test('HTML is escaped, and only the action becomes a link', () => {
    const source =
      'subject: {{event.name}}\n\n{{event.name}} http://evil.example/\n둘째 줄\n\n{{action.url}}';
    const event = { name: '<b>"A" & \'B\'</b>' };
    const content = render(
      { 'ko.email.hbs': source },
      { event, action: { url: 'https://ok.example/?a=1&b=2' } },
      'email',
    );
    expect(content).toMatchObject({ subject: event.name, text: expect.stringContaining(event.name) });
    const html = content.channel === 'email' ? content.html : '';
    expect(html).toContain('&lt;b&gt;&quot;A&quot; &amp; &#39;B&#39;&lt;/b&gt;');
    expect(html).toContain('<br>둘째 줄</p><p><a href="https://ok.example/?a=1&amp;b=2">');
    expect(html.match(/<a /g)).toHaveLength(1);
  });

  test('control and direction characters in values never reach a text', () => {
    const nasty = 'a\r\nBcc: x@y\u0000\u202e\u2066b';
    expect(sms('{{event.name}}|', { event: { name: nasty } })).toBe('a  Bcc: x@y   b|');
    const mail = render(
      { 'ko.email.hbs': 'subject: {{event.name}}\nx' },
      { event: { name: nasty } },
      'email',
    );
    expect(mail.channel === 'email' && mail.subject).toBe('a  Bcc: x@y   b');
  });

  test('values are left as they were given', () => {
    const event = { name: 'a\nb', inner: { list: ['c\nd'] } };
    sms('{{event.name}}', { event });
    expect(event).toEqual({ name: 'a\nb', inner: { list: ['c\nd'] } });
  });

  test('the language was chosen before: one that is not there is an error and not another language', () => {
    const files = { 'ko.sms.hbs': '한국어', 'en.sms.hbs': 'English' };
    expect(render(files, {}, 'sms', 'en')).toMatchObject({ text: 'English' });
    for (const locale of ['vi', 'en-GB'])
      expect(() => render(files, {}, 'sms', locale)).toThrow(
        expect.objectContaining({ code: 'template-failed' }),
      );
  });

  test('the possible are never told the words of the certain', () => {
    const template = parseTemplate('t', { 'meta.json': META, 'ko.sms.hbs': '대상입니다' });
    const values = { event: {}, agency: 'x', code: 'y' };
    expect(() =>
      renderContent(template, { channel: 'sms', locale: 'ko', reach: 'possible', values }),
    ).toThrow(expect.objectContaining({ code: 'template-failed' }));
  });

  test('a version is the content: the same files the same hash, one letter another', () => {
    const of = (text: string) => parseTemplate('t', { 'meta.json': META, 'ko.sms.hbs': text }).hash;
    expect(of('가')).toBe(of('가'));
    expect(of('가')).not.toBe(of('나'));
  });
});

describe('check against a rule', () => {
  const eventType: EventType = {
    type: 'kr.x.y',
    agency: 'x',
    sources: ['/x'],
    effect: 'opens',
    title: { ko: 'x' },
    schema: {
      type: 'object',
      required: ['amount', 'place'],
      properties: {
        amount: { type: 'integer' },
        note: { type: 'string' },
        place: {
          type: 'object',
          required: ['city'],
          properties: { city: { type: 'string' }, floor: { type: 'string' } },
        },
      },
    },
    examples: [{ amount: 1, note: '메모', place: { city: '서울', floor: '3' } }],
  };
  const rule: Rule = {
    id: 'r',
    agency: 'x',
    title: { ko: 'r' },
    on: 'kr.x.y',
    category: 'service',
    reach: 'certain',
    condition: true,
    stages: [{ kind: 'opened', anchor: 'event', offset: 'P0D' }],
    channels: ['sms'],
    templates: { opened: 't' },
    tests: [],
  };
  function check(files: Record<string, string>, more: Partial<Rule> = {}) {
    const template: Template = parseTemplate('t', { 'meta.json': META, 'en.sms.hbs': 'x', ...files });
    const catalogue = {
      templates: new Map([['t', template]]),
      fallbacks: NO_FALLBACKS,
      agencyName: () => '기관',
    };
    return checkTemplates(catalogue, {
      rule: { ...rule, ...more },
      eventType,
      citizenFields: new Map([['sido', '11']]),
    });
  }
  const faults = (source: string, more: Partial<Rule> = {}) =>
    check({ 'ko.sms.hbs': source }, more).faults.map((fault) => `${fault.pointer}: ${fault.message}`);

  test.each([
    ['{{event.amont}}', 'line 1: event.amont: events of type kr.x.y have no such property'],
    ['\n\n{{evnt.amount}}', 'evnt.amount: there is no such variable'],
    ['{{event.note}}', 'event.note: this property is optional'],
    ['{{event.place.floor}}', 'event.place.floor: this property is optional'],
    ['{{#unless event.note}}{{event.note}}{{/unless}}', 'event.note: this property is optional'],
    ['{{citizen.income}}', 'citizen.income: agency x may not use this field'],
    ['{{citizen.sido}}', 'citizen.sido: a field of a citizen may be unknown'],
    ['{{date deadline}}', 'deadline: the rule has no deadline'],
    ['{{action.tel}}', "action.tel: the rule's action has no tel"],
    ['{{old.event.amount}}', 'only a template used as “corrected”'],
    ['{{agency}}{{event}}', 'event: there is no such variable'],
    [
      '가나다라마바사아자차카타파하가나다라마바사아자차카타파하가나다라마바사아자차카타파하가나다라',
      'is 92 long',
    ],
    ['끝 — 끝', 'a text message cannot hold “—” U+2014'],
    ['{{date event.amount}}', 'wants a day'],
  ])('%j is refused', (source, expected) => {
    expect(faults(source).join('\n')).toContain(expected);
  });

  test.each([
    '{{event.amount}} {{event.place.city}} {{agency}} {{code}}',
    '{{#if event.note}}{{event.note}}{{else}}없음{{/if}}',
    '{{#unless event.note}}없음{{else}}{{event.note}}{{/unless}}',
    '{{#if citizen.sido}}{{citizen.sido}}{{/if}}',
    '{{#if action.tel}}{{action.tel}}{{/if}}',
  ])('%j passes', (source) => {
    expect(faults(source)).toEqual([]);
  });

  test('a correction may name what was said before, and both ways of it are measured', () => {
    const source =
      '{{#changed old.event.amount event.amount}}{{money old.event.amount}}에서 {{/changed}}{{money event.amount}}';
    expect(faults(source, { templates: { corrected: 't' } })).toEqual([]);
    const report = check({ 'ko.sms.hbs': source }, { templates: { corrected: 't' } });
    expect(report.sizes).toContainEqual({ template: 't', file: 'ko.sms.hbs', size: 11, limit: 90 });
    const long = `{{#changed old.event.amount event.amount}}${'가'.repeat(46)}{{/changed}}x`;
    expect(faults(long, { templates: { corrected: 't' } }).join()).toContain('is 93 long');
  });

  test('missing templates, channels, locales and reaches are named', () => {
    expect(faults('x', { templates: { opened: 'u' } })).toEqual([
      '/u: there is no template “u”, which rule r names',
    ]);
    expect(faults('x', { channels: ['sms', 'push'] })).toContain(
      '/t/ko.push.hbs: is missing; rule r needs it',
    );
    expect(faults('x', { reach: 'possible' })).toContain(
      '/t/en.sms.possible.hbs: is missing; rule r needs it',
    );
    const vietnamese = check({ 'ko.sms.hbs': 'x', 'vi.email.hbs': 'subject: x\ny' });
    expect(vietnamese.faults).toEqual([]);
    expect(vietnamese.missing).toEqual([{ template: 't', file: 'vi.sms.hbs' }]);
  });

  test('scripts that EUC-KR does not hold are measured in UCS-2', () => {
    const report = check({ 'ko.sms.hbs': 'x', 'vi.sms.hbs': 'ế'.repeat(71) });
    expect(report.faults.map((fault) => fault.message)).toEqual([
      'is 71 long with the longest example; at most 70',
    ]);
  });

  test('the fields of a citizen that a template names are known', () => {
    const template = parseTemplate('t', {
      'meta.json': META,
      'ko.sms.hbs': '{{#if citizen.sido}}{{citizen.sigungu}}{{/if}}',
    });
    expect(citizenFieldsOf(template)).toEqual(['sido', 'sigungu']);
  });
});

test('a source that would keep the parser busy is refused unread', () => {
  const block = '{{#if event.a}}x{{/if}}';
  expect(inspectSource(block.repeat(200)).faults).toEqual([]);
  const said = (source: string): readonly string[] =>
    inspectSource(source).faults.map(({ line, refused }) => `${line}: ${refused.sentences.en}`);
  expect(said(block.repeat(201))).toEqual(['1: has more than 200 blocks']);
  expect(inspectSource('{{~#if event.a}}x{{/if}}'.repeat(201)).faults).toHaveLength(1);
  expect(said('가'.repeat(5_462))).toEqual(['1: is longer than 16384 bytes']);
});
