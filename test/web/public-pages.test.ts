/** What anybody may open: the code check, stopping mails, how to tell a false notice, and what makes the app installable. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DeliveryId, NotificationId } from '../../domain/ids.ts';
import { shortCode } from '../../domain/short-code.ts';
import { unsubscribeToken } from '../../domain/unsubscribe-tokens.ts';
import { type CitizenSite, createCitizenSite, readText } from '../support/citizen-site.ts';
import { type Installation, install, taxEvent, windowEvent } from '../support/installation.ts';

const ANSWER_MS = 60;

let it: Installation;
let site: CitizenSite;
let address = 0;

beforeAll(async () => {
  it = await install();
  site = await createCitizenSite(it, { answerMs: ANSWER_MS });
  await it.citizen({ id: 'c-checked', sms: '+821012345678', email: 'checked@example.kr' });
  await it.citizen({ id: 'c-other', sms: '+821099990000' });
  await it.publish(taxEvent({ id: 'e-1', subject: 'c-checked', allimobligation: 'property-tax/checked' }));
  await it.idle();
});
afterAll(async () => {
  await site.close();
  await it.close();
});

/** Each from a network of its own, unless a test is about the limit. */
const check = (code: string, last: string, remoteAddress = `198.51.100.${++address}`) =>
  site.app.inject({
    method: 'POST',
    url: '/check?lang=ko',
    remoteAddress,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams({ code, last }).toString(),
  });

async function codeOf(citizen: string): Promise<string> {
  const [row] = await it.rows<{ id: NotificationId }>(
    'SELECT id FROM notifications WHERE recipient_id = $1',
    [citizen],
  );
  return shortCode(row!.id);
}

describe('the code check', () => {
  test('shows the true text to who has the code and the end of the number', async () => {
    const code = await codeOf('c-checked');
    const sms = it.sent().find((one) => one.channel === 'sms')?.text ?? it.sent()[0]!.text;
    const page = await check(code.toLowerCase().replace('-', ' '), '5678');
    expect(page.statusCode).toBe(200);
    const text = readText(page.body);
    expect(text).toContain('저희가 보낸 안내입니다');
    expect(text).toContain('132,000원');
    expect(sms).toContain(code);
  });

  test('tells wrong and unknown alike, word for word and in the same time', async () => {
    const code = await codeOf('c-checked');
    const timed = async (...given: [string, string]) => {
      const startedMs = performance.now();
      const page = await check(...given);
      return { text: readText(page.body), status: page.statusCode, ms: performance.now() - startedMs };
    };
    const wrongEnd = await timed(code, '0000');
    const unknown = await timed('ZZZZ-ZZ', '5678');
    const right = await timed(code, '5678');
    expect(wrongEnd.text).toBe(unknown.text);
    expect(wrongEnd.status).toBe(unknown.status);
    for (const { ms } of [wrongEnd, unknown, right]) expect(ms).toBeGreaterThanOrEqual(ANSWER_MS - 2);
  });

  test('says what is no code and what are no four digits, beside the field', async () => {
    const page = await check('12', '56');
    expect(page.statusCode).toBe(422);
    expect(page.body).toContain('id="code-fault"');
    expect(page.body).toContain('id="last-fault"');
    expect((await check('900101-1234567', '5678')).body).not.toContain('1234567');
  });

  test('is limited: right ones count as well', async () => {
    const code = await codeOf('c-checked');
    const statuses: number[] = [];
    for (let n = 0; n < 11; n++) statuses.push((await check(code, '5678', '203.0.113.9')).statusCode);
    expect(statuses).toEqual([...Array<number>(10).fill(200), 429]);
    const refused = await check(code, '5678', '203.0.113.9');
    const wait = Number(refused.headers['retry-after']);
    expect([refused.statusCode, wait > 0, wait <= 60]).toEqual([429, true, true]);
    expect((await check(code, '5678', '203.0.113.10')).statusCode).toBe(200);
  });

  test('a code is asked about so often and no more, from however many addresses, whether there is such a one or not', async () => {
    await it.citizen({ id: 'c-guessed', sms: '+821012340987' });
    await it.publish(taxEvent({ id: 'e-guessed', subject: 'c-guessed', allimobligation: 'property-tax/g' }));
    await it.idle();
    for (const [code, last] of [
      [await codeOf('c-guessed'), '0987'],
      ['ZZZZ-Z2', '0987'],
    ] as const) {
      const guesses = await Promise.all(Array.from({ length: 20 }, (_, n) => check(code, String(1_000 + n))));
      expect(guesses.filter(({ statusCode }) => statusCode !== 200)).toEqual([]);
      const next = await check(code.toLowerCase(), last);
      expect([next.statusCode, Number(next.headers['retry-after']) > 60]).toEqual([429, true]);
    }
    expect((await check('ZZZZ-Z3', '0987')).statusCode).toBe(200);
  });

  test('works in three languages without a login or a script', async () => {
    for (const [lang, words] of [
      ['ko', '이 안내가 진짜인가요?'],
      ['en', 'Is this notice real?'],
      ['vi', 'Thông báo này có thật không?'],
    ] as const) {
      const page = await site.get('/check', { 'accept-language': `${lang}, *;q=0.1` });
      expect(page.body).toContain(`<html lang="${lang}">`);
      expect(readText(page.body)).toContain(words);
      expect(page.body).not.toContain('<script');
    }
  });
});

describe('stopping mails', () => {
  const linkOf = async (citizen: string): Promise<string> => {
    const [row] = await it.rows<{ id: DeliveryId }>(
      `SELECT d.id FROM deliveries d JOIN notifications n ON n.id = d.notification_id AND n.month = d.month WHERE n.recipient_id = $1 AND d.channel = 'email'`,
      [citizen],
    );
    return `/unsubscribe/${unsubscribeToken(it.sealer, row!.id)}`;
  };
  const stopped = (citizen: string) =>
    it.rows(
      'SELECT agency_id, category, channel, source FROM opt_outs WHERE citizen_id = $1 AND ended_at IS NULL',
      [citizen],
    );

  test('is not done by looking, and done by one POST as a mail program sends it', async () => {
    await it.citizen({ id: 'c-mail', email: 'mail@example.kr' });
    await it.publish(windowEvent({ id: 'w-mail', allimobligation: 'checkup/mail' }));
    await it.idle();
    const link = await linkOf('c-mail');
    for (let n = 0; n < 2; n++) {
      const page = await site.get(link);
      expect(page.statusCode).toBe(200);
      expect(readText(page.body)).toContain('그만 받으시겠어요?');
    }
    expect((await site.app.inject({ method: 'HEAD', url: link })).statusCode).toBeLessThan(500);
    expect(await stopped('c-mail')).toEqual([]);
    const multipart = await site.app.inject({
      method: 'POST',
      url: link,
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
      payload: '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
    });
    expect(multipart.statusCode).toBe(200);
    for (let n = 0; n < 2; n++) {
      const done = await site.post(link, { 'List-Unsubscribe': 'One-Click' });
      expect(done.statusCode).toBe(200);
      expect(readText(done.body)).toContain('이제 메일을 보내지 않습니다');
    }
    expect(await stopped('c-mail')).toEqual([
      { agency_id: 'nhis', category: 'service', channel: 'email', source: 'unsubscribe' },
    ]);
    it.forgetSent();
    await it.publish(windowEvent({ id: 'w-mail2', allimobligation: 'checkup/mail2' }));
    await it.idle();
    expect(it.sent().filter((one) => one.address === 'mail@example.kr')).toEqual([]);
    const visitor = await site.visit('c-mail');
    const choices = await visitor.get('/me/choices');
    expect(readText(choices.body)).toContain('그만 받기로 하신 것');
    const id = /name="id" value="([0-9a-f-]{36})"><span>/.exec(choices.body)?.[1];
    await visitor.post('/me/choices/again', { id: id! });
    expect(await stopped('c-mail')).toEqual([]);
  });

  test('needs a link of ours, and says nothing else', async () => {
    const forged = unsubscribeToken(
      { index: () => Buffer.alloc(32, 9) },
      '00000000-0000-4000-8000-000000000000' as DeliveryId,
    );
    for (const token of [forged, 'x', 'A'.repeat(300)]) {
      const page = await site.post(`/unsubscribe/${token}`, {});
      expect(page.statusCode).toBe(404);
      expect(readText(page.body)).toContain('이 링크는 쓸 수 없습니다');
    }
  });

  test('by guessing is stopped for the address, and a link of ours counts nothing', async () => {
    const at = (url: string, remoteAddress: string) =>
      site.app.inject({ method: 'POST', url, remoteAddress });
    const link = await linkOf('c-mail');
    for (let n = 0; n < 22; n++) expect((await at(link, '203.0.113.20')).statusCode).toBe(200);
    const statuses: number[] = [];
    for (let n = 0; n < 21; n++)
      statuses.push((await at(`/unsubscribe/guess-${n}`, '203.0.113.21')).statusCode);
    expect(statuses).toEqual([...Array<number>(20).fill(404), 429]);
    const refused = await at('/unsubscribe/guess', '203.0.113.21');
    const wait = Number(refused.headers['retry-after']);
    expect([refused.statusCode, wait > 0, wait <= 60]).toEqual([429, true, true]);
  });
});

test('how to tell a false notice is said in three languages', async () => {
  for (const lang of ['ko', 'en', 'vi']) {
    const page = await site.get(`/real?lang=${lang}`);
    expect(page.statusCode).toBe(200);
    expect(page.body).toContain(`<html lang="${lang}">`);
    expect(readText(page.body)).toContain('118');
  }
});

test('the app can be installed', async () => {
  const manifest = (await site.get('/manifest.webmanifest?lang=en')).json() as {
    start_url: string;
    icons: { src: string; purpose: string; sizes: string }[];
  };
  expect(manifest.start_url).toBe('/me');
  expect(new Set(manifest.icons.map((icon) => icon.purpose))).toEqual(new Set(['any', 'maskable']));
  for (const { src, sizes } of manifest.icons) {
    const icon = await site.get(src);
    expect(icon.headers['content-type']).toBe('image/png');
    expect(icon.rawPayload.readUInt32BE(16)).toBe(Number(sizes.split('x')[0]));
  }
  const worker = await site.get('/me/service-worker.js');
  expect([worker.statusCode, worker.headers['service-worker-allowed']]).toEqual([200, '/me']);
  expect((await site.get('/icons/../routes.ts')).statusCode).toBe(404);
});
