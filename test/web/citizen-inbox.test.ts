/** The citizen's inbox over HTTP, by links and forms alone: what comes, what is done, what changes, and whose it is. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { parseEvent } from '../../domain/cloud-events.ts';
import type { NotificationId } from '../../domain/ids.ts';
import { shortCode } from '../../domain/short-code.ts';
import { type CitizenSite, createCitizenSite, readText, type Visitor } from '../support/citizen-site.ts';
import {
  type Installation,
  install,
  paidEvent,
  START,
  taxEvent,
  windowEvent,
} from '../support/installation.ts';

let it: Installation;
let site: CitizenSite;
let count = 0;

beforeAll(async () => {
  it = await install();
  site = await createCitizenSite(it);
});
afterAll(async () => {
  await site.close();
  await it.close();
});
beforeEach(() => {
  it.at(new Date(START).toISOString());
  it.forgetSent();
});

async function citizen(more: Partial<Parameters<Installation['citizen']>[0]> = {}): Promise<string> {
  count++;
  return it.citizen({ id: `c-inbox-${count}`, sms: `+8210900000${String(count).padStart(2, '0')}`, ...more });
}

async function taxed(id: string, more: Parameters<typeof taxEvent>[0] = { id: '' }): Promise<string> {
  const obligation = `property-tax/${id}-${++count}`;
  await it.publish(
    taxEvent({ allimobligation: obligation, subject: id, sequence: '1', ...more, id: `e-${count}` }),
  );
  await it.idle();
  return obligation;
}

/** How many of a citizen's deliveries have left. */
const left = async (id: string): Promise<number> =>
  (await it.told(id)).filter((line) => line.includes(' sent')).length;

const linkOf = (html: string): string => /href="(\/me\/notices\/[0-9a-f-]{36})"/.exec(html)?.[1] ?? '';

async function firstNotice(visitor: Visitor): Promise<string> {
  return linkOf((await visitor.get('/me')).body);
}

describe('the inbox', () => {
  test('that is empty says so kindly', async () => {
    const visitor = await site.visit(await citizen());
    const page = await visitor.get('/me');
    expect(page.statusCode).toBe(200);
    expect(page.headers['content-security-policy']).toContain("script-src 'self'");
    expect(page.headers['cache-control']).toBe('no-store');
    expect(readText(page.body)).toContain('지금 할 일이 없습니다');
  });

  test('has the most urgent first, each with the days that are left and one thing to do', async () => {
    const id = await citizen({ profile: {} });
    await taxed(id, { id: '', data: { amount: 132_000, dueOn: '2026-07-31' } });
    await taxed(id, { id: '', data: { amount: 77_000, dueOn: '2026-07-13' } });
    const text = readText((await (await site.visit(id)).get('/me')).body);
    expect(text).toContain('할 일이 2가지 있습니다');
    expect(text.indexOf('77,000원')).toBeLessThan(text.indexOf('132,000원'));
    expect(text).toContain('3일 남음');
    expect(text).toContain('21일 남음');
    expect(text).toContain('7월 31일(금)까지');
  });

  test('counts the last day as today', async () => {
    const id = await citizen();
    await taxed(id, { id: '', data: { amount: 1_000, dueOn: '2026-07-31' } });
    it.at('2026-07-31T23:30:00+09:00');
    expect(readText((await (await site.visit(id)).get('/me')).body)).toContain('오늘까지');
    it.at('2026-08-01T00:30:00+09:00');
    const visitor = await site.visit(id);
    expect(readText((await visitor.get('/me')).body)).toContain('지금 할 일이 없습니다');
    expect(readText((await visitor.get('/me/all')).body)).toContain('기한 지남');
  });

  test.each([
    ['en', 'There is one thing to do', 'days left'],
    ['vi', 'Bạn có 1 việc cần làm', 'Còn 21 ngày'],
  ])('speaks %s', async (locale, ...words) => {
    const id = await citizen({ locale });
    await taxed(id);
    const page = await (await site.visit(id)).get('/me');
    expect(page.body).toContain(`<html lang="${locale}">`);
    for (const word of words) expect(readText(page.body)).toContain(word);
  });

  test('speaks English to who reads a language that it does not', async () => {
    const id = await citizen({ locale: 'uz' });
    await taxed(id);
    expect((await (await site.visit(id)).get('/me')).body).toContain('<html lang="en">');
  });

  test('is nobody else’s, and nobody’s without a login', async () => {
    const id = await citizen();
    await taxed(id);
    const notice = await firstNotice(await site.visit(id));
    expect(notice).not.toBe('');
    const other = await site.visit(await citizen());
    for (const path of ['', '/calendar.ics']) expect((await other.get(notice + path)).statusCode).toBe(404);
    for (const path of ['/done', '/undone']) expect((await other.post(notice + path)).statusCode).toBe(404);
    expect(
      await it.rows('SELECT 1 FROM obligations WHERE citizen_id = $1 AND state <> $2', [id, 'open']),
    ).toEqual([]);
    const stranger = await site.get(notice);
    expect([302, 303]).toContain(stranger.statusCode);
    expect(stranger.headers.location).toMatch(/^\/sign-in\?/);
    expect(stranger.body).not.toContain('132,000');
  });
});

describe('a notice', () => {
  test('says what, why, by which law, and how to tell that it is real', async () => {
    const id = await citizen();
    await taxed(id);
    const visitor = await site.visit(id);
    const page = await visitor.get(await firstNotice(visitor));
    const text = readText(page.body);
    for (const said of [
      '재산세 132,000원',
      '7월 31일(금)까지',
      '왜 받았나요?',
      '진짜인가요?',
      '근거:',
      '달력에 넣기',
      '했어요',
    ])
      expect(text).toContain(said);
    const [point] = await it.rows<{ id: string }>('SELECT id FROM notifications WHERE recipient_id = $1', [
      id,
    ]);
    expect(text).toContain(shortCode(point!.id as NotificationId));
    const sms = it.sent().find((one) => one.text.includes(shortCode(point!.id as NotificationId)))!;
    const code = /확인 ([2-9A-Z]{4}-[2-9A-Z]{2})/.exec(sms.text)?.[1];
    expect(code).toBeDefined();
    expect(text).toContain(code!);
  });

  test('is read once it was opened, and nobody is told', async () => {
    const id = await citizen();
    await taxed(id);
    const visitor = await site.visit(id);
    expect(readText((await visitor.get('/me/all')).body)).toContain('아직 안 읽음');
    await visitor.get(await firstNotice(visitor));
    expect(readText((await visitor.get('/me/all')).body)).not.toContain('아직 안 읽음');
    expect(await it.rows('SELECT 1 FROM outbox')).toEqual([]);
  });

  test('goes into a calendar with its deadline', async () => {
    const id = await citizen();
    await taxed(id);
    const visitor = await site.visit(id);
    const file = await visitor.get(`${await firstNotice(visitor)}/calendar.ics`);
    expect(file.headers['content-type']).toBe('text/calendar; charset=utf-8');
    expect(file.headers['content-disposition']).toMatch(
      /^attachment; filename="allim-[2-9A-Z]{4}-[2-9A-Z]{2}\.ics"$/,
    );
    expect(file.body).toContain('DTSTART;VALUE=DATE:20260731\r\n');
    for (const line of file.body.split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75);
  });

  test('that an event’s data tries to bring markup into brings text', async () => {
    const id = await citizen();
    await taxed(id, { id: '', data: { amount: 5_000, dueOn: '2026-07-31', office: '<i id=x>구청' } });
    const visitor = await site.visit(id);
    const page = await visitor.get(await firstNotice(visitor));
    expect(page.body).not.toContain('<i id=x>');
    expect(page.body).toContain('&lt;i id&#x3D;x&gt;구청');
  });
});

describe('"I have done it"', () => {
  test('ends what is unsent and keeps later stages quiet, until it is taken back', async () => {
    const id = await citizen();
    await it.publish(
      taxEvent({ id: `e-done-${++count}`, subject: id, allimobligation: `property-tax/d-${count}` }),
    );
    await it.settle();
    const visitor = await site.visit(id);
    const notice = await firstNotice(visitor);
    const done = await visitor.post(`${notice}/done`);
    expect([done.statusCode, done.headers.location]).toEqual([303, notice]);
    await it.idle();
    expect(await it.told(id)).toEqual([expect.stringContaining('cancelled/done')]);
    expect(readText((await visitor.get(notice)).body)).toContain('했다고 표시하셨습니다');
    expect(readText((await visitor.get('/me')).body)).toContain('지금 할 일이 없습니다');

    it.at('2026-07-26T10:00:00+09:00');
    await it.idle();
    expect(await it.told(id)).toHaveLength(1);
    const later = await site.visit(id);
    await later.post(`${notice}/undone`);
    it.at('2026-07-30T10:00:00+09:00');
    await it.idle();
    expect(await left(id)).toBe(1);
    expect(await it.audit()).toEqual([]);
  });

  test('pressed twice, or after the agency has said so, changes nothing', async () => {
    const id = await citizen();
    const obligation = await taxed(id);
    const visitor = await site.visit(id);
    const notice = await firstNotice(visitor);
    await it.publish(
      paidEvent({ id: `p-${++count}`, subject: id, allimobligation: obligation, sequence: '2' }),
    );
    await it.idle();
    for (let n = 0; n < 2; n++) expect((await visitor.post(`${notice}/done`)).statusCode).toBe(303);
    expect(readText((await visitor.get(notice)).body)).toContain('기관에서 끝난 것으로 알려 왔습니다');
    // The agency's word is not the citizen's to take back.
    await visitor.post(`${notice}/undone`);
    expect(await it.rows('SELECT state FROM obligations WHERE citizen_id = $1', [id])).toEqual([
      { state: 'done' },
    ]);
  });

  test('does not swallow a correction: it is told with old and new', async () => {
    const id = await citizen();
    const obligation = await taxed(id);
    const visitor = await site.visit(id);
    const first = await firstNotice(visitor);
    await visitor.post(`${first}/done`);
    const before = await left(id);
    await it.publish(
      taxEvent({
        id: `c-${++count}`,
        subject: id,
        allimobligation: obligation,
        sequence: '2',
        data: { amount: 118_500, dueOn: '2026-07-31' },
      }),
    );
    await it.idle();
    expect(await left(id)).toBe(before + 1);
    const text = readText((await visitor.get(await firstNotice(visitor))).body);
    expect(text).toContain('무엇이 바뀌었나요?');
    expect(text).toContain('132,000원');
    expect(text).toContain('118,500원');
    const old = readText((await visitor.get(first)).body);
    expect(old).toContain('이 안내는 바뀌기 전 것입니다');
    expect(old).toContain('새 안내 보기');
  });

  test('without the page’s own token is refused, with words', async () => {
    const id = await citizen();
    await taxed(id);
    const visitor = await site.visit(id);
    const notice = await firstNotice(visitor);
    const forged = await site.post(`${notice}/done`, {}, { cookie: visitor.cookie });
    expect(forged.statusCode).toBe(403);
    expect(readText(forged.body)).toContain('바뀐 것은 없습니다');
    expect(await it.rows('SELECT state FROM obligations WHERE citizen_id = $1', [id])).toEqual([
      { state: 'open' },
    ]);
  });
});

test('a withdrawn notice says so and asks for nothing', async () => {
  const id = await citizen();
  await it.publish(windowEvent({ id: `w-${++count}`, allimobligation: `checkup/w${count}` }));
  await it.idle();
  const visitor = await site.visit(id);
  const notice = await firstNotice(visitor);
  expect(notice).not.toBe('');
  await it.rows(`UPDATE obligations SET state = 'cancelled' WHERE citizen_id = $1`, [id]);
  const text = readText((await visitor.get(notice)).body);
  expect(text).toContain('취소된 안내입니다');
  expect(text).not.toContain('하러 가기');
});

describe('a warning for everybody', () => {
  const SOURCE = '/mois/disaster';
  const warned = (warning: string, areas: string[], sequence: string) =>
    parseEvent({
      ...{ specversion: '1.0', id: `${warning}-${sequence}`, source: SOURCE, sequence },
      ...{ type: 'kr.mois.disaster.warned', allimobligation: `disaster/${warning}` },
      data: {
        warning,
        hazard: 'flood',
        level: 'warning',
        areas,
        areaName: { ko: '강남구', en: 'Gangnam-gu' },
      },
    });
  const lifted = (warning: string, sequence: string) =>
    parseEvent({
      ...{ specversion: '1.0', id: `${warning}-lifted`, source: SOURCE, sequence, data: { warning } },
      ...{ type: 'kr.mois.disaster.lifted', allimobligation: `disaster/${warning}` },
    });

  test.each([
    ['ko', '홍수', '해제됨', '7월 10일(금)에 기관이 해제했습니다'],
    ['en', 'Flood', 'Lifted', 'The agency lifted it on'],
    ['vi', 'lũ lụt', 'Đã dỡ bỏ', 'Cơ quan đã dỡ bỏ vào'],
  ])(
    'that is lifted leaves To do, and is lifted in All and on its own page: %s',
    async (locale, flood, word, said) => {
      const id = await citizen({ locale });
      const warning = `flood-${++count}`;
      await it.publish(warned(warning, ['11680'], '1'));
      await it.idle();
      const visitor = await site.visit(id, locale);
      const before = readText((await visitor.get('/me')).body);
      expect(before.toLowerCase()).toContain(flood.toLowerCase());
      const notice = await firstNotice(visitor);
      await it.publish(lifted(warning, '2'));
      await it.idle();
      expect(readText((await visitor.get('/me')).body).toLowerCase()).not.toContain(flood.toLowerCase());
      expect(readText((await visitor.get('/me/all')).body)).toContain(word);
      const page = await visitor.get(notice);
      expect(readText(page.body)).toContain(said);
      expect(page.body).not.toContain('/done"');
    },
  );

  test('that grew stays in To do, once, as its newest', async () => {
    const id = await citizen();
    const warning = `flood-${++count}`;
    await it.publish(warned(warning, ['11680'], '1'));
    await it.idle();
    await it.publish(warned(warning, ['11680', '11650'], '2'));
    await it.idle();
    const visitor = await site.visit(id);
    expect((await visitor.get('/me')).body.match(/class="todo-title"/g)).toHaveLength(1);
    const all = readText((await visitor.get('/me/all')).body);
    expect(all).toContain('바뀌기 전 안내');
    expect(all).not.toContain('해제됨');
  });
});

describe('all notices', () => {
  test('come page by page, newest first, and none is missed or twice', async () => {
    const id = await citizen();
    for (let n = 0; n < 33; n++) {
      await it.publish(
        taxEvent({
          id: `many-${n}`,
          subject: id,
          allimobligation: `property-tax/many-${n}`,
          data: { amount: 1_000 + n, dueOn: '2026-07-31' },
        }),
      );
      it.at(1_000);
    }
    await it.idle();
    const visitor = await site.visit(id);
    const first = await visitor.get('/me/all');
    const next = /href="(\/me\/all\?cursor&#x3D;[^"]+)"/.exec(first.body)?.[1]?.replaceAll('&#x3D;', '=');
    expect(next).toBeDefined();
    const second = await visitor.get(next!);
    const amounts = [first, second].flatMap(({ body }) =>
      [...readText(body).matchAll(/재산세 (1,0\d\d)원/g)].map((m) => m[1]),
    );
    expect(amounts).toHaveLength(33);
    expect(new Set(amounts).size).toBe(33);
    const found = await visitor.get('/me/all?q=1%2C031');
    expect(readText(found.body)).toContain('찾은 알림 1건');
    expect(readText((await visitor.get('/me/all?q=%EC%97%86%EB%8A%94%EB%A7%90')).body)).toContain(
      '찾지 못했습니다',
    );
  });

  test('cannot be searched for a resident registration number', async () => {
    const visitor = await site.visit(await citizen());
    const page = await visitor.get('/me/all?q=900101-1234567');
    expect(page.statusCode).toBe(422);
    expect(readText(page.body)).toContain('주민등록번호는 적지 마세요');
    expect(page.body).not.toContain('1234567');
    expect(site.lines.join('\n')).not.toContain('1234567');
  });

  test('refuse a cursor that is none with a page', async () => {
    const visitor = await site.visit(await citizen());
    const page = await visitor.get('/me/all?cursor=x');
    expect([page.statusCode, page.headers['content-type']]).toEqual([422, 'text/html; charset=utf-8']);
  });
});
