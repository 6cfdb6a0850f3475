/** The database computes the same code as the program, and finds a notice by it. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { keyId, type NotificationId } from '../../domain/ids.ts';
import { numberOfShortCode, shortCode } from '../../domain/short-code.ts';
import { noticesByCode } from '../../store/notice-codes.ts';
import { type Installation, install, windowEvent } from '../support/installation.ts';

let it: Installation;
beforeAll(async () => {
  it = await install({ partitions: 1 });
});
afterAll(() => it.close());

test('both compute the same', async () => {
  const ids = Array.from({ length: 500 }, (_, n) => keyId<NotificationId>('notification', n));
  const rows = await it.rows<{ id: NotificationId; code: number }>(
    'SELECT id, notice_code(id) AS code FROM unnest($1::uuid[]) id',
    [ids],
  );
  for (const { id, code } of rows) expect(numberOfShortCode(shortCode(id))).toBe(code);
  expect(rows).toHaveLength(500);
});

test('a notice is found by its code, by way of the index', async () => {
  for (let n = 0; n < 3; n++)
    await it.citizen({ id: `coded-${n}`, sms: `+82105550000${n}`, profile: { sido: '26', sigungu: '26110' } });
  await it.publish(windowEvent({ id: 'coded', data: { area: '26' } as never }));
  await it.settle();
  const notices = await it.rows<{ id: NotificationId; recipient_id: string }>(
    'SELECT id, recipient_id FROM notifications',
  );
  expect(notices).toHaveLength(3);
  for (const { id, recipient_id } of notices)
    expect(await noticesByCode(it.pool, shortCode(id))).toMatchObject([
      { id, recipient: recipient_id, agency: 'nhis' },
    ]);
  const plan = await it.rows<Record<string, string>>(
    'EXPLAIN SELECT id FROM notifications WHERE notice_code(id) = 5',
  );
  expect(JSON.stringify(plan)).toContain('notice_code');
});
