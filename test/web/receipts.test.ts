/** Receipts over HTTP: who is believed, what is stored, and that nobody learns from the answer what exists. */

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type DeliveryId, randomId, shortId } from '../../domain/ids.ts';
import { createReceiptTokens } from '../../domain/receipt-tokens.ts';
import { createSealer } from '../../domain/sealing.ts';
import { newWebhookSecret, webhookHeaders } from '../../domain/webhook-signature.ts';
import { createServer } from '../../web/api/server.ts';
import { readBounce } from '../../web/receipts/bounce.ts';
import { receiptsOverHttp } from '../../web/receipts/http.ts';
import { bounceOf } from '../sinks/bounce.ts';
import { createLogCapture } from '../support/http.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

const NOW = Date.parse('2026-07-10T12:00:00+09:00');
const TOKEN = randomBytes(24).toString('base64url');
const SECRET = newWebhookSecret();
const sealer = createSealer(randomBytes(32), randomBytes(32));
const tokens = createReceiptTokens(sealer);
const { logger, lines } = createLogCapture();
const counted: string[] = [];
let database: TestDatabase;
let app: Awaited<ReturnType<typeof createServer>>;
let now = NOW;

beforeAll(async () => {
  database = await createDatabase({ max: 4 });
  const credentials = { peek: () => 'guess' as const, verify: async () => null };
  app = await createServer({ credentials, logger });
  await app.register(receiptsOverHttp, {
    pool: database.pool,
    sealer,
    clock: { nowMs: () => now },
    logger,
    metrics: {
      add: (_name, labels, by = 1) => {
        if (by > 0) counted.push(`${Object.values(labels).join(' ')} ${by}`);
      },
      observe: () => {},
    },
    smsSecret: SECRET,
    bounceToken: TOKEN,
  });
  await app.ready();
});
afterAll(async () => {
  await app.close();
  await database.drop();
});
beforeEach(async () => {
  now = NOW;
  counted.length = 0;
  await database.pool.query('DELETE FROM receipts');
});

type Row = {
  source: string;
  delivery_id: string;
  attempt: number | null;
  verdict: string;
  code: string | null;
  address_dead: boolean;
};
const kept = async () =>
  (
    await database.pool.query<Row>(
      'SELECT source, delivery_id, attempt, verdict, code, address_dead FROM receipts ORDER BY received_at, code',
    )
  ).rows;

describe('a push that was shown', () => {
  const id = randomId<DeliveryId>();
  const post = (payload: unknown) =>
    app.inject({ method: 'POST', url: '/receipts/push', payload: payload as object });

  test('is stored once, by the token that travelled in the message', async () => {
    const body = { id: shortId(id), receipt: tokens.push(id, 2) };
    expect((await post(body)).statusCode).toBe(204);
    expect((await post(body)).statusCode).toBe(204);
    expect(await kept()).toEqual([
      { source: 'push', delivery_id: id, attempt: 2, verdict: 'delivered', code: null, address_dead: false },
    ]);
    expect(counted).toEqual(['push new 1', 'push known 1']);
  });

  test.each([
    [
      'another’s token',
      { id: shortId(randomId<DeliveryId>()), receipt: tokens.push(id, 1) },
      401,
      'push forged 1',
    ],
    ['no token of ours', { id: shortId(id), receipt: `1.${'A'.repeat(22)}` }, 401, 'push forged 1'],
    ['no token', { id: shortId(id) }, 400, 'push malformed 1'],
    [
      'more than belongs there',
      { id: shortId(id), receipt: tokens.push(id, 1), also: 1 },
      400,
      'push malformed 1',
    ],
  ])('with %s has no effect and is counted', async (_, body, status, line) => {
    expect((await post(body)).statusCode).toBe(status);
    expect(await kept()).toEqual([]);
    expect(counted).toEqual([line]);
  });

  test('that is no JSON, or too large, is refused', async () => {
    const url = '/receipts/push';
    const headers = { 'content-type': 'application/json' };
    expect((await app.inject({ method: 'POST', url, headers, payload: '{' })).statusCode).toBe(400);
    expect((await app.inject({ method: 'POST', url, headers, payload: ' '.repeat(2_000) })).statusCode).toBe(
      413,
    );
    expect((await app.inject({ method: 'POST', url })).statusCode).toBe(400);
  });
});

describe('an SMS gateway', () => {
  const id = randomId<DeliveryId>();
  function post(receipts: unknown, more: { id?: string; at?: number; secret?: string; body?: string } = {}) {
    const body = JSON.stringify({ receipts });
    const headers = webhookHeaders([more.secret ?? SECRET], more.id ?? 'call-1', more.at ?? now, body);
    return app.inject({
      method: 'POST',
      url: '/receipts/sms',
      headers: { 'content-type': 'application/json', ...headers },
      payload: more.body ?? body,
    });
  }

  test('says what became of texts by our references; told again with the same id it is the same', async () => {
    const receipts = [
      { reference: id, status: 'delivered', code: 'a' },
      { reference: id, status: 'undeliverable', code: 'b', numberDead: true },
      { reference: id, status: 'expired', numberDead: true },
    ];
    expect((await post(receipts)).statusCode).toBe(204);
    now += 60_000;
    expect((await post(receipts)).statusCode).toBe(204);
    expect(await kept()).toEqual([
      { source: 'sms', delivery_id: id, attempt: null, verdict: 'delivered', code: 'a', address_dead: false },
      { source: 'sms', delivery_id: id, attempt: null, verdict: 'permanent', code: 'b', address_dead: true },
      {
        source: 'sms',
        delivery_id: id,
        attempt: null,
        verdict: 'temporary',
        code: 'expired',
        address_dead: false,
      },
    ]);
    expect(counted).toEqual(['sms new 3', 'sms known 3']);
  });

  test('signed by another, changed on the way or played again later is refused and counted', async () => {
    const receipts = [{ reference: id, status: 'delivered' }];
    expect((await post(receipts, { secret: newWebhookSecret() })).statusCode).toBe(401);
    expect((await post(receipts, { body: JSON.stringify({ receipts: [] }) })).statusCode).toBe(401);
    expect((await post(receipts, { at: NOW - 301_000 })).statusCode).toBe(401);
    expect(await kept()).toEqual([]);
    expect(counted).toEqual(['sms forged 1', 'sms forged 1', 'sms forged 1']);
  });

  test('whose words are not ours is told so', async () => {
    for (const receipts of [
      [],
      [{ reference: 'x', status: 'delivered' }],
      [{ reference: id, status: 'fine' }],
    ])
      expect((await post(receipts)).statusCode).toBe(400);
    expect(await kept()).toEqual([]);
  });
});

describe('a bounce', () => {
  const id = randomId<DeliveryId>();
  const to = () => `${tokens.bounce(id, 1)}@bounce.allim.example`;
  const post = (mail: string, headers: Record<string, string> = {}) =>
    app.inject({
      method: 'POST',
      url: '/receipts/email',
      headers: { 'content-type': 'message/rfc822', authorization: `Bearer ${TOKEN}`, ...headers },
      payload: mail,
    });
  const bounce = (more: object = {}) =>
    bounceOf({ to: to(), recipient: 'kim@example.kr', end: 'hard', ...more });

  test.each([
    ['hard', 'permanent', '5.1.1', true],
    ['soft', 'temporary', '4.4.7', false],
    ['delayed', 'none', 'delayed 4.4.1', false],
    ['delivered', 'delivered', '2.0.0', false],
  ])('that is %s is taken so, once', async (end, verdict, code, dead) => {
    expect((await post(bounce({ end }))).json()).toEqual({ taken: true });
    expect((await post(bounce({ end }))).json()).toEqual({ taken: true });
    expect(await kept()).toEqual([
      { source: 'email', delivery_id: id, attempt: 1, verdict, code, address_dead: dead },
    ]);
  });

  test('for a policy is for good and says nothing against the mailbox', async () => {
    await post(bounce({ status: '5.7.1 (message rejected)' }));
    expect(await kept()).toEqual([
      {
        source: 'email',
        delivery_id: id,
        attempt: 1,
        verdict: 'permanent',
        code: '5.7.1',
        address_dead: false,
      },
    ]);
  });

  test('is known by whom the envelope named, where the mail itself does not say', async () => {
    const plain = bounce().replaceAll(to(), 'postmaster@allim.example');
    expect((await post(plain)).json()).toEqual({ taken: false, reason: 'recipient-foreign' });
    expect((await post(plain, { 'x-envelope-to': `<${to()}>` })).json()).toEqual({ taken: true });
  });

  test('to an address that we did not make, without the token, or that is an absent person’s reply, has no effect and is counted', async () => {
    expect(
      (await post(bounce({ to: to().replace(/\.\w{16}@/, '.0123456789abcdef@') }))).json(),
    ).toMatchObject({ taken: false });
    expect((await post(bounce(), { authorization: 'Bearer wrong' })).statusCode).toBe(401);
    const reply = `To: ${to()}\r\nSubject: I am away\r\nContent-Type: text/plain\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n`;
    expect((await post(reply)).json()).toEqual({ taken: false, reason: 'not-a-delivery-report' });
    expect(await kept()).toEqual([]);
    expect(counted).toEqual(['email forged 1', 'email forged 1', 'email malformed 1']);
  });

  test('is read with bare line feeds, folded headers, names in any case and cut off; not with two people or without a status', () => {
    const mail = bounce();
    const read = (text: string) => readBounce(Buffer.from(text));
    expect(read(mail.replaceAll('\r\n', '\n'))).toMatchObject({ verdict: 'permanent', code: '5.1.1' });
    expect(read(mail.replace('Action: failed', 'ACTION:\r\n  Failed'))).toMatchObject({
      verdict: 'permanent',
    });
    expect(read(mail.slice(0, mail.indexOf('Content-Type: text/rfc822-headers')))).toMatchObject({
      code: '5.1.1',
    });
    const group = 'Final-Recipient: rfc822; lee@example.kr\r\nAction: delivered\r\nStatus: 2.0.0\r\n\r\n';
    expect(read(mail.replace('Final-Recipient', `${group}Final-Recipient`))).toBeNull();
    expect(read(mail.replace('Status: 5.1.1', 'Status: none'))).toBeNull();
    expect(
      read(mail.replace('report-type=delivery-status', 'report-type=disposition-notification')),
    ).toBeNull();
    expect(read(mail.replace('message/delivery-status', 'text/plain'))).toBeNull();
    expect(read('')).toBeNull();
    expect(readBounce(randomBytes(5_000))).toBeNull();
  });

  test('costs no more than its length, whatever it is made of', () => {
    for (const piece of ['\r\n ', ';boundary=', '--', '<@', 'Content-Type: multipart/report; ']) {
      const startedAt = performance.now();
      readBounce(Buffer.from(piece.repeat(1_000_000 / piece.length)));
      expect(performance.now() - startedAt).toBeLessThan(2_000);
    }
  });
});

test('the log names no address, number or token', () => {
  for (const secret of ['example.kr', TOKEN, SECRET.slice(6)]) expect(lines.join('\n')).not.toContain(secret);
});
