/** What citizens choose, prove and see of themselves, by forms alone; and that it counts at once. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { transaction } from '../../domain/sql.ts';
import { mergeProfile } from '../../store/citizens.ts';
import { type CitizenSite, createCitizenSite, readText } from '../support/citizen-site.ts';
import {
  type Installation,
  install,
  PROFILE,
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
  site.codes.length = 0;
  site.takes.codes = true;
});

async function citizen(more: Partial<Parameters<Installation['citizen']>[0]> = {}): Promise<string> {
  count++;
  return it.citizen({ id: `c-own-${count}`, sms: `+82108000${String(count).padStart(4, '0')}`, ...more });
}

const tax = (id: string) =>
  taxEvent({ id: `t-${++count}`, subject: id, allimobligation: `property-tax/own-${count}` });

describe('a choice is in force at once', () => {
  test('of kinds: what is switched off between plan and claim is not sent', async () => {
    const id = await citizen();
    await it.publish(windowEvent({ id: `w-${++count}`, allimobligation: `checkup/o${count}` }));
    await it.settle();
    const visitor = await site.visit(id);
    const saved = await visitor.post('/me/choices/categories', { on: 'information' });
    expect([saved.statusCode, saved.headers.location]).toEqual([303, '/me/choices?said=saved#categories']);
    await it.idle();
    expect(await it.told(id)).toEqual([expect.stringContaining('suppressed/opted-out')]);
    expect(readText((await visitor.get('/me/choices?said=saved')).body)).toContain('저장했습니다');
  });

  test('of kinds: what the law requires comes all the same, and says why', async () => {
    const id = await citizen();
    const visitor = await site.visit(id);
    await visitor.post('/me/choices/categories', {});
    await it.publish(
      taxEvent({
        id: `f-${++count}`,
        source: '/knpa/fine',
        type: 'kr.knpa.fine.imposed',
        subject: id,
        allimobligation: `fine/own-${count}`,
        data: (it.catalogue.current().eventTypes.get('kr.knpa.fine.imposed')?.examples[0] ?? {}) as never,
      }),
    );
    await it.idle();
    expect(it.sent()).toHaveLength(1);
    expect(readText((await visitor.get('/me/choices')).body)).toContain(
      '모르고 지나면 손해를 보시기 때문입니다',
    );
  });

  test('of an agency, and back', async () => {
    const id = await citizen();
    const visitor = await site.visit(id);
    await it.publish(windowEvent({ id: `w-${++count}`, allimobligation: `checkup/a${count}` }));
    await it.idle();
    expect(it.sent().filter((one) => one.address.endsWith(String(count - 1)))).toBeDefined();
    expect(readText((await visitor.get('/me/choices')).body)).toContain('국민건강보험공단');
    it.forgetSent();
    await visitor.post('/me/choices/agencies', {});
    await it.publish(windowEvent({ id: `w-${++count}`, allimobligation: `checkup/b${count}` }));
    await it.idle();
    expect(
      await it.rows('SELECT source FROM opt_outs WHERE citizen_id = $1 AND ended_at IS NULL', [id]),
    ).toEqual([{ source: 'choices' }]);
    expect((await it.told(id)).filter((line) => line.includes('sent'))).toHaveLength(1);
    await visitor.post('/me/choices/agencies', { on: 'nhis' });
    expect(await it.rows('SELECT 1 FROM opt_outs WHERE citizen_id = $1 AND ended_at IS NULL', [id])).toEqual(
      [],
    );
    // The history stays.
    expect(await it.rows('SELECT 1 FROM opt_outs WHERE citizen_id = $1', [id])).toHaveLength(1);
  });

  test('of channels: two at most, and a notice goes on to what is left', async () => {
    const id = await citizen({ email: `own${count}@example.kr` });
    const visitor = await site.visit(id);
    const three = await visitor.post('/me/choices/channels', { channel: ['push', 'email', 'sms'] });
    expect(three.statusCode).toBe(422);
    expect(readText(three.body)).toContain('두 가지까지 고를 수 있습니다');
    await it.publish(tax(id));
    await it.settle();
    await visitor.post('/me/choices/channels', { channel: 'sms' });
    await it.idle();
    expect(it.sent().map((one) => one.channel)).toEqual(['sms']);
  });

  test('of quiet hours: nothing in them, and all after them', async () => {
    const id = await citizen();
    const visitor = await site.visit(id);
    expect(
      (await visitor.post('/me/choices/quiet-hours', { on: '1', from: '12:00', to: '12:00' })).statusCode,
    ).toBe(422);
    await visitor.post('/me/choices/quiet-hours', { on: '1', from: '11:00', to: '13:00' });
    await it.publish(tax(id));
    await it.idle();
    expect(it.sent()).toEqual([]);
    it.at('2026-07-10T13:00:01+09:00');
    await it.idle();
    expect(it.sent()).toHaveLength(1);
    expect((await visitor.get('/me/choices')).body).toContain('value="11:00"');
    await visitor.post('/me/choices/quiet-hours', { from: '11:00', to: '13:00' });
    expect(await it.rows('SELECT quiet_from FROM preferences WHERE citizen_id = $1', [id])).toEqual([
      { quiet_from: null },
    ]);
  });

  test('of the language: of pages and of what is planned from then on', async () => {
    const id = await citizen();
    const visitor = await site.visit(id);
    await visitor.post('/me/choices/language', { language: 'vi' });
    expect((await visitor.get('/me/choices')).body).toContain('<html lang="vi">');
    await it.publish(tax(id));
    await it.idle();
    expect(await it.rows('SELECT locale FROM notifications WHERE recipient_id = $1', [id])).toEqual([
      { locale: 'vi' },
    ]);
    expect((await visitor.post('/me/choices/language', { language: 'xx' })).statusCode).toBe(422);
  });
});

describe('an address is proven by a code', () => {
  const ask = async (
    visitor: Awaited<ReturnType<CitizenSite['visit']>>,
    address: string,
    channel = 'email',
  ) => {
    const answer = await visitor.post('/me/contacts', { channel, address });
    return { answer, path: answer.headers.location as string };
  };
  const codeOf = (): string => /\b(\d{6})\b/.exec(site.codes.at(-1)!.text)![1]!;
  const verified = (id: string) =>
    it.rows<{ channel: string }>(
      'SELECT channel FROM contact_points WHERE citizen_id = $1 AND verified_at IS NOT NULL ORDER BY channel',
      [id],
    );

  test('that is typed right within ten minutes', async () => {
    const id = await citizen();
    const visitor = await site.visit(id);
    const { path } = await ask(visitor, 'Kim.Lee@Example.KR');
    expect(site.codes.at(-1)).toMatchObject({ channel: 'email', address: 'Kim.Lee@example.kr' });
    expect(readText((await visitor.get(path)).body)).toContain('Kim.Lee@example.kr');
    const right = await visitor.post(path, { code: ` ${codeOf()} ` });
    expect([right.statusCode, right.headers.location]).toEqual([303, '/me/choices?said=code#contacts']);
    expect(await verified(id)).toEqual([{ channel: 'email' }, { channel: 'sms' }]);
    // Once.
    expect((await visitor.post(path, { code: codeOf() })).statusCode).toBe(422);
  });

  test('and not by five wrong ones, nor after them by the right one', async () => {
    const id = await citizen();
    const visitor = await site.visit(id);
    const { path } = await ask(visitor, `five${count}@example.kr`);
    const right = codeOf();
    const wrong = right === '000000' ? '000001' : '000000';
    const texts: string[] = [];
    for (let n = 0; n < 5; n++) texts.push(readText((await visitor.post(path, { code: wrong })).body));
    expect(texts[0]).toContain('4번 더');
    expect(texts[4]).toContain('더 쓸 수 없습니다');
    expect((await visitor.post(path, { code: right })).statusCode).toBe(422);
    expect(await verified(id)).toEqual([{ channel: 'sms' }]);
  });

  test('not after ten minutes, and not by another citizen', async () => {
    const id = await citizen();
    const visitor = await site.visit(id);
    const { path } = await ask(visitor, `late${count}@example.kr`);
    const other = await site.visit(await citizen());
    expect((await other.post(path, { code: codeOf() })).statusCode).toBe(422);
    it.at(10 * 60_000 + 1);
    const late = await visitor.post(path, { code: codeOf() });
    expect(readText(late.body)).toContain('더 쓸 수 없습니다');
    expect(await verified(id)).toEqual([{ channel: 'sms' }]);
  });

  test('so many an hour, for one person and to one address', async () => {
    const visitor = await site.visit(await citizen());
    for (let n = 0; n < 5; n++)
      expect((await ask(visitor, `n${count}-${n}@example.kr`)).answer.statusCode).toBe(303);
    const refused = await ask(visitor, `n${count}-6@example.kr`);
    expect(refused.answer.statusCode).toBe(429);
    const wait = Number(refused.answer.headers['retry-after']);
    expect([wait > 0, wait <= 3_600]).toEqual([true, true]);
    expect(readText(refused.answer.body)).toContain('한 시간 뒤에');
    const address = `one${count}@example.kr`;
    for (let n = 0; n < 3; n++)
      expect((await ask(await site.visit(await citizen()), address)).answer.statusCode).toBe(303);
    expect((await ask(await site.visit(await citizen()), address)).answer.statusCode).toBe(429);
    it.at(3_600_001);
    expect((await ask(visitor, `n${count}-7@example.kr`)).answer.statusCode).toBe(303);
  });

  test('of which neither the address nor the code is logged, and only a hash is kept', async () => {
    const visitor = await site.visit(await citizen());
    await ask(visitor, '010-7777-1234', 'sms');
    const code = codeOf();
    expect(site.codes.at(-1)!.address).toBe('+821077771234');
    const log = site.lines.join('\n');
    expect(log).not.toContain(code);
    expect(log).not.toContain('77771234');
    const rows = JSON.stringify(await it.rows('SELECT * FROM contact_codes'));
    expect(rows).not.toContain(code);
    expect(rows).not.toContain('77771234');
  });

  test('and what is no address, or a resident registration number, says so', async () => {
    const visitor = await site.visit(await citizen());
    expect(readText((await ask(visitor, 'nobody')).answer.body)).toContain('메일 주소를 다시 봐 주세요');
    expect(readText((await ask(visitor, '02-123-4567', 'sms')).answer.body)).toContain(
      '휴대전화 번호를 적어 주세요',
    );
    const resident = await ask(visitor, '900101-1234567', 'sms');
    expect(readText(resident.answer.body)).toContain('주민등록번호는 적지 마세요');
    expect(site.codes).toEqual([]);
  });

  test('that could not be sent leaves everything as it was', async () => {
    site.takes.codes = false;
    const visitor = await site.visit(await citizen());
    expect(readText((await ask(visitor, `no${count}@example.kr`)).answer.body)).toContain(
      '보내지 못했습니다',
    );
    await it.rows(
      `INSERT INTO stops (scope, reason, created_by) VALUES ('channel:email', 'test', 'administrator')`,
    );
    site.takes.codes = true;
    site.codes.length = 0;
    expect((await ask(visitor, `no2${count}@example.kr`)).answer.statusCode).toBe(422);
    expect(site.codes).toEqual([]);
    await it.rows(`DELETE FROM stops`);
  });

  test('and is removed by whoever it is of, and by nobody else', async () => {
    const id = await citizen();
    const rows = await it.rows<{ id: string }>('SELECT id FROM contact_points WHERE citizen_id = $1', [id]);
    await (await site.visit(await citizen())).post('/me/contacts/remove', { id: rows[0]!.id });
    expect(await verified(id)).toHaveLength(1);
    await (await site.visit(id)).post('/me/contacts/remove', { id: rows[0]!.id });
    expect(await verified(id)).toHaveLength(0);
  });
});

describe('my data', () => {
  test('lists facts with their source, date and rules, and what is not known', async () => {
    const id = await citizen();
    const { lastCheckupYear: _, ...known } = PROFILE;
    await transaction(it.pool, (sql) => mergeProfile(sql, id, known, 'nhis', it.clock.nowMs()));
    const text = readText((await (await site.visit(id)).get('/me/data')).body);
    expect(text).toContain('생년월일');
    expect(text).toContain('1980년 5월 5일');
    expect(text).toContain('국민건강보험공단 · 7월 10일(금)');
    expect(text).toContain('일반건강검진 안내');
    expect(text).toContain('모르는 것');
    expect(text).toContain('상담원이 본 적이 없습니다');
    expect(text).toContain('이 기기');
  });

  test('can be taken along, without what would let others in', async () => {
    const id = await citizen();
    await it.publish(tax(id));
    await it.idle();
    const file = await (await site.visit(id)).get('/me/data/export');
    expect(file.headers['content-disposition']).toBe('attachment; filename="allim-2026-07-10.json"');
    const data = file.json() as { citizen: string; notices: object[]; addresses: object[] };
    expect(data.citizen).toBe(id);
    expect(data.notices).toHaveLength(1);
    expect(data.addresses).toHaveLength(1);
  });

  test('signs out everywhere', async () => {
    const id = await citizen();
    const [here, there] = [await site.visit(id), await site.visit(id)];
    const answer = await here.post('/me/sessions/end');
    expect([answer.statusCode, answer.headers['clear-site-data']]).toEqual([303, '"cache", "storage"']);
    for (const visitor of [here, there])
      expect((await visitor.get('/me')).statusCode).toBeGreaterThanOrEqual(302);
  });
});
