/** Which language people are told in: theirs, or the one that the table names, pinned when the notice is planned and counted exactly. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { parseEvent } from '../../domain/cloud-events.ts';
import { bumpRevision, saveLocaleFallbacks } from '../../store/catalogue.ts';
import { countLocales } from '../../store/locales.ts';
import { saveTemplate } from '../../store/template-versions.ts';
import { loadTemplates, parseTemplate, type TemplateCatalogue } from '../../templates/catalogue.ts';
import { type Installation, install, PROFILE, taxEvent, windowEvent } from '../support/installation.ts';

let it: Installation;
let shipped: TemplateCatalogue;
let n = 0;
beforeAll(async () => {
  it = await install();
  shipped = await loadTemplates();
});
afterAll(() => it.close());
beforeEach(() => {
  n++;
  it.forgetSent();
});

const WORDS: Record<string, RegExp> = {
  ko: /건강검진/,
  en: /Health check-up/,
  vi: /Den luot kham suc khoe/,
};

/** Notices by wanted and used language since the last call. */
async function counter(template: string) {
  const read = async () =>
    new Map(
      (await countLocales(it.pool, null))
        .filter((row) => row.template === template)
        .map((row) => [`${row.wanted}→${row.used}`, row.notices]),
    );
  let before = await read();
  return async () => {
    const now = await read();
    const fresh = [...now].map(([key, count]) => [key, count - (before.get(key) ?? 0)] as const);
    before = now;
    return Object.fromEntries(fresh.filter(([, count]) => count > 0).sort());
  };
}

test('a thousand citizens: each gets their language or the one the table says, and the counts are exact', async () => {
  const wanted = ['vi', 'zh', 'en', 'ko', 'uz', 'zh-TW', 'vi-VN'];
  const people = Array.from({ length: 1_000 }, (_, index) => ({
    id: `l-${index}`,
    locale: wanted[index % wanted.length]!,
    sms: `+82100${String(2_000_000 + index)}`,
  }));
  for (let from = 0; from < people.length; from += 50)
    await Promise.all(
      people
        .slice(from, from + 50)
        .map((person) => it.citizen({ ...person, profile: { ...PROFILE, sido: '50', sigungu: '50110' } })),
    );
  const count = await counter('checkup-opened');
  await it.publish(windowEvent({ id: 'w', allimobligation: 'checkup/l', data: { area: '50110' } as never }));
  await it.idle();

  const used: Record<string, string> = {
    ko: 'ko',
    en: 'en',
    vi: 'vi',
    'vi-VN': 'vi',
    zh: 'en',
    'zh-TW': 'en',
    uz: 'en',
  };
  const sent = new Map(it.sent().map((one) => [one.address, one.text]));
  expect(sent.size).toBe(1_000);
  const expected: Record<string, number> = {};
  for (const { sms, locale } of people) {
    expect(sent.get(sms)).toMatch(WORDS[used[locale]!]!);
    const key = `${locale}→${used[locale]}`;
    expected[key] = (expected[key] ?? 0) + 1;
  }
  expect(await count()).toEqual(Object.fromEntries(Object.entries(expected).sort()));
  // The same by another way: each notice has its language, and the wanted one only where it is another.
  expect(
    await it.rows(
      `SELECT coalesce(wanted_locale, locale) AS wanted, locale, count(*)::int AS n FROM notifications
       WHERE citizen_id LIKE 'l-%' GROUP BY 1, 2 HAVING bool_or(wanted_locale = locale) IS NOT TRUE ORDER BY 1`,
    ),
  ).toEqual(
    Object.entries(expected)
      .map(([key, count]) => ({ wanted: key.split('→')[0], locale: key.split('→')[1], n: count }))
      .sort((a, b) => (a.wanted! < b.wanted! ? -1 : 1)),
  );
}, 60_000);

describe('the table', () => {
  const tax = (who: string) => taxEvent({ id: `t-${n}`, subject: who, allimobligation: `property-tax/${n}` });

  test('counts a notice once, also where its event or its page comes again', async () => {
    await it.citizen({ id: `c-${n}`, sms: '+821000300001', locale: 'ja' });
    const count = await counter('property-tax-assessed');
    await it.publish(tax(`c-${n}`));
    await it.idle();
    await it.publish(tax(`c-${n}`));
    await it.idle();
    await it.first.requests.settle();
    expect(await count()).toEqual({ 'ja→en': 1 });
  });

  test('decides when the notice is planned: what changes afterwards does not change its language', async () => {
    await it.citizen({ id: `c-${n}`, sms: '+821000300002', locale: 'ru' });
    await it.publish(tax(`c-${n}`));
    await it.settle();
    await saveLocaleFallbacks(it.pool, { '*': ['vi', 'en', 'ko'] });
    await it.catalogue.refresh();
    await it.idle();
    expect(it.sent().map((one) => one.text)).toEqual([
      expect.stringMatching(/^\[Property tax\] 132,000 won/),
    ]);
    n++;
    await it.citizen({ id: `c-${n}`, sms: '+821000300003', locale: 'ru' });
    await it.publish(tax(`c-${n}`));
    await it.idle();
    expect(it.sent()[1]!.text).toMatch(/^\[Thue tai san\] 132\.000 won/);
    await saveLocaleFallbacks(it.pool, shipped.fallbacks);
    await it.catalogue.refresh();
  });

  test('leaves out a language that lacks one of the channels, so that a push and the text after it speak alike', async () => {
    const sources: Record<string, string> = {};
    for (const name of ['ko', 'en'])
      for (const channel of ['push', 'email', 'sms'])
        sources[`${name}.${channel}.hbs`] =
          channel === 'sms'
            ? `${name} {{code}}`
            : `${channel === 'push' ? 'title' : 'subject'}: ${name}\n${name}`;
    const files = {
      'meta.json': JSON.stringify({ title: { ko: '시험', en: 'Test' } }),
      ...sources,
      'vi.sms.hbs': 'vi {{code}}',
    };
    const before = it.catalogue.current().templates.get('property-tax-assessed')!;
    const { hash } = parseTemplate('property-tax-assessed', files);
    await saveTemplate(it.pool, {
      name: 'property-tax-assessed',
      hash,
      agency: 'nts',
      definition: { name: 'property-tax-assessed', files },
      author: 'a',
    });
    await it.catalogue.refresh();
    await it.citizen({ id: `c-${n}`, sms: '+821000300004', locale: 'vi' });
    const count = await counter('property-tax-assessed');
    await it.publish(tax(`c-${n}`));
    await it.idle();
    expect(it.sent()[0]!.text).toMatch(/^en /);
    expect(await count()).toEqual({ 'vi→en': 1 });
    await it.pool.query(`UPDATE templates SET live_id = $1 WHERE name = 'property-tax-assessed'`, [before]);
    await bumpRevision(it.pool);
    await it.catalogue.refresh();
  });

  test('takes one of whom nothing is known for a reader of the language of the state', async () => {
    const count = await counter('property-tax-assessed');
    await it.citizen({ id: `c-${n}`, profile: {} });
    await it.pool.query('DELETE FROM citizens WHERE id = $1', [`c-${n}`]);
    await it.publish(tax(`c-${n}`));
    await it.idle();
    expect(await count()).toEqual({ 'ko→ko': 1 });
  });
});

describe('a notice about a missed deadline', () => {
  const bill = (more: object = {}) =>
    parseEvent({
      specversion: '1.0',
      id: `a-${n}`,
      source: '/local/automobile-tax',
      type: 'kr.local.automobile-tax.assessed',
      subject: `c-${n}`,
      allimobligation: `automobile-tax/${n}`,
      data: { amount: 132_000, lateAmount: 135_960, dueOn: '2026-07-20' },
      ...more,
    });

  test('leaves the day after it, whose other notices have lost their point by then', async () => {
    await it.citizen({ id: `c-${n}`, sms: '+821000400001' });
    await it.publish(bill());
    await it.idle();
    it.at('2026-07-21T09:00:00+09:00');
    await it.idle();
    it.at('2026-07-10T12:00:00+09:00');
    expect((await it.told(`c-${n}`)).filter((line) => line.startsWith('overdue'))).toEqual([
      'overdue sms sent',
    ]);
    expect(it.sent().at(-1)!.text).toContain('늦은 자동차세 135,960원');
  });

  test('is not sent where it was paid, nor where the agency said when its event loses its point', async () => {
    const paid = parseEvent({
      specversion: '1.0',
      id: `p-${n}`,
      source: '/local/automobile-tax',
      type: 'kr.local.automobile-tax.paid',
      subject: `c-${n}`,
      allimobligation: `automobile-tax/${n}`,
      data: {},
    });
    await it.citizen({ id: `c-${n}`, sms: '+821000400002' });
    await it.publish(bill());
    await it.publish(paid);
    const other = n + 1_000;
    await it.citizen({ id: `c-${other}`, sms: '+821000400003' });
    await it.publish(
      bill({
        id: `a-${other}`,
        subject: `c-${other}`,
        allimobligation: `automobile-tax/${other}`,
        expirytime: '2026-07-20T23:59:59+09:00',
      }),
    );
    await it.idle();
    it.forgetSent();
    it.at('2026-07-21T09:00:00+09:00');
    await it.idle();
    it.at('2026-07-10T12:00:00+09:00');
    expect(it.sent()).toEqual([]);
    expect(await it.told(`c-${other}`)).toContain('overdue sms expired');
  });
});
