/** Every template of the published rules, in every locale, channel and reach, with every example of its event type. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { EventType } from '../../domain/event.ts';
import { smsBytes } from '../../domain/kr/sms-bytes.ts';
import type { Rule } from '../../domain/rule.ts';
import { loadTemplates, renderContent, type TemplateCatalogue } from '../../templates/catalogue.ts';
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
const FIELDS = new Map<string, string>();

let catalogue: TemplateCatalogue;
beforeAll(async () => {
  catalogue = await loadTemplates();
});

describe('event types', () => {
  const ajv = new Ajv2020({ allErrors: true });
  (formats as unknown as (ajv: Ajv2020) => void)(ajv);

  test.each([...types.values()].map((type) => [type.type, type] as const))(
    '%s: examples fit, more does not',
    (_, type) => {
      const validate = ajv.compile(type.schema);
      expect(type.examples.length).toBeGreaterThan(0);
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
});

describe.each(rules.map((rule) => [rule.id, rule] as const))('%s', (_, rule) => {
  const type = types.get(rule.on)!;

  test('its templates pass the check, with nothing missing', () => {
    const report = assertTemplates(catalogue, { rule, eventType: type, citizenFields: FIELDS });
    expect(report.missing).toEqual([]);
    for (const { size, limit } of report.sizes) expect(size).toBeLessThanOrEqual(limit);
  });

  test('it names a template for each stage and for corrections', () => {
    expect(Object.keys(rule.templates).sort()).toEqual(
      [...rule.stages.map((stage) => stage.kind), 'corrected'].sort(),
    );
  });

  test('every text renders for every example, whole and in its locale', () => {
    for (const [stage, name] of Object.entries(rule.templates)) {
      const template = catalogue.templates.get(name)!;
      for (const event of type.examples)
        for (const { channel, locale, reach } of template.texts) {
          const deadline = String(event['closesOn'] ?? event['dueOn']);
          const values = {
            event,
            deadline,
            action: rule.action ?? {},
            agency: catalogue.agencyName(rule.agency, locale),
            code: 'K7Q2-93',
            ...(stage === 'corrected'
              ? { old: { deadline: '2026-03-02', event: { ...event, amount: 1_000 } } }
              : {}),
          };
          const content = renderContent(template, { channel, locale, reach, values });
          const text = Object.values(content).join('\n');
          expect(text).not.toMatch(/\{\{|\}\}|undefined|null|NaN|\[object/);
          expect(/[가-힣]/.test(text.replaceAll(String(event['office'] ?? '-'), ''))).toBe(locale === 'ko');
          if (content.channel === 'sms') {
            expect(smsBytes(content.text)).toBeLessThanOrEqual(90);
            expect(content.text).not.toMatch(/https?:/);
            expect(content.text).toContain('K7Q2-93');
          }
          if (content.channel === 'email') {
            expect(content.html).toContain(`lang="${locale}"`);
            expect(content.html).toContain(`href="${rule.action?.url}"`);
            expect(content.subject).not.toContain('\n');
          }
        }
    }
  });
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
        code: 'K7Q2-93',
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
