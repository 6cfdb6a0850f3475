/** From a delivery's end to the agency: the outbox, the topic, webhooks and what may be wrong with them. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { callsOf, createStatusRelay } from '../../dispatcher/status-relay.ts';
import { callWebhook } from '../../dispatcher/webhook-call.ts';
import { createWebhooks, retryAfterMs } from '../../dispatcher/webhooks.ts';
import { type BatchId, randomId, type WebhookId } from '../../domain/ids.ts';
import type { Resolve } from '../../domain/public-endpoint.ts';
import { statusTopicOf } from '../../domain/records.ts';
import { transaction } from '../../domain/sql.ts';
import type { StatusReport } from '../../domain/status-report.ts';
import { newWebhookSecret } from '../../domain/webhook-signature.ts';
import { setSubscription, TOPIC_TARGET } from '../../store/reports.ts';
import { setTrial } from '../../store/trial.ts';
import {
  insertWebhook,
  listWebhooks,
  redeliver,
  restartWebhook,
  rotateSecret,
} from '../../store/webhooks.ts';
import { type Installation, install, paidEvent, START, taxEvent } from '../support/installation.ts';
import { type Behaviour, startReceiver } from '../support/webhook-receiver.ts';

let it: Installation;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let n = 0;
let who: string;
let relay: () => Promise<boolean>;
let woken = 0;
const TOPIC = statusTopicOf('nts');

beforeAll(async () => {
  it = await install({ partitions: 1 });
  receiver = await startReceiver();
  await it.broker.prepare([{ topic: TOPIC, partitions: 1, compacted: false }], { create: true });
  relay = createStatusRelay({ ...it, wake: () => woken++ });
});
afterAll(async () => {
  await receiver.stop();
  await it.close();
});
beforeEach(async () => {
  n++;
  who = `f-${n}`;
  woken = 0;
  it.forgetSent();
  it.at(START - it.clock.nowMs());
  receiver.behave(null);
  receiver.calls.length = 0;
  receiver.secrets.length = 0;
  await it.pool.query('DELETE FROM report_subscriptions; DELETE FROM webhooks; DELETE FROM outbox');
});

const tax = (more: object = {}) =>
  taxEvent({ id: `f-${n}`, subject: who, allimobligation: `property-tax/f-${n}`, ...more });
const subscribe = () => setSubscription(it.pool, 'nts', TOPIC_TARGET, true);
let sms = 0;
const number = () => `+8210${String(70_000_000 + sms++).padStart(8, '0')}`;

/** What has been appended to the topic since the call before. */
let seen = 0;
async function topic(): Promise<{ key: string | null; report: StatusReport }[]> {
  const rows = await it.rows<{ key: Buffer; value: Buffer }>(
    `SELECT r.key, r.value FROM log_records r JOIN log_topics t ON t.id = r.topic_id WHERE t.topic = $1 ORDER BY r.record_offset OFFSET $2`,
    [TOPIC, seen],
  );
  seen += rows.length;
  return rows.map(({ key, value }) => ({
    key: key.toString(),
    report: JSON.parse(value.toString()) as StatusReport,
  }));
}

async function told(): Promise<string[]> {
  while (await relay());
  return (await topic()).map(({ report: r }) => `${r.channel} ${r.status} ${r.reason ?? r.evidence}`);
}

describe('the topic', () => {
  test('says of a notice that was sent that it was delivered, and by whose word', async () => {
    await subscribe();
    await it.citizen({ id: who, sms: number() });
    await it.publish(tax());
    await it.idle();
    await relay();
    const [record, ...more] = await topic();
    expect(more).toEqual([]);
    const [notice] = await it.rows<{ id: string }>('SELECT id FROM notifications WHERE citizen_id = $1', [
      who,
    ]);
    expect(record).toEqual({
      key: who,
      report: {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        event: { source: '/nts/property-tax', id: `f-${n}` },
        citizen: who,
        obligation: `property-tax/f-${n}`,
        stage: 'opened',
        notification: notice?.id,
        channel: 'sms',
        status: 'delivered',
        reason: null,
        evidence: 'accepted',
        at: new Date(START).toISOString(),
      },
    });
    expect(await it.rows('SELECT 1 FROM outbox')).toEqual([]);
  });

  test('is for agencies that asked: for others nothing is written', async () => {
    await it.citizen({ id: who, sms: number() });
    await it.publish(tax());
    await it.idle();
    expect(await it.rows('SELECT 1 FROM outbox')).toEqual([]);
  });

  test('tells a channel that failed and the next one in this order', async () => {
    await subscribe();
    await it.citizen({ id: who, sms: number(), email: `f${n}@example.kr` });
    it.providers.email.answer = () => ({ kind: 'permanent', code: 'no-such-user' });
    await it.publish(tax());
    await it.idle();
    expect(await told()).toEqual(['email failed address', 'sms delivered accepted']);
  });

  test.each([
    ['technical', { kind: 'technical', code: 'x' }, 3, 15 * 60_000, 'sms failed technical'],
    // To the limit of the channel, a day.
    ['temporary', { kind: 'temporary', code: 'x' }, 2, 25 * 3_600_000, 'sms failed network'],
    ['unknown', { kind: 'unknown', code: 'x' }, 2, 15 * 60_000, 'sms failed unclear'],
  ] as const)(
    'tells once what failed as %s, after the last attempt',
    async (_, outcome, attempts, stepMs, line) => {
      await subscribe();
      await it.citizen({ id: who, sms: number() });
      it.providers.sms.answer = () => outcome;
      await it.publish(tax());
      for (let attempt = 0; attempt < attempts; attempt++) {
        await it.idle();
        if (attempt < attempts - 1) expect(await told()).toEqual([]);
        it.at(stepMs);
      }
      expect(await told()).toEqual([line]);
    },
  );

  test('tells what expired, and what is withheld without saying why', async () => {
    await subscribe();
    await it.citizen({ id: who, sms: number() });
    await it.publish(tax({ expirytime: '2026-07-10T13:00:00+09:00' }));
    await it.settle();
    await it.pump();
    it.at(3_600_000);
    await it.idle();
    const other = `${who}-dead`;
    await it.citizen({ id: other, sms: number() });
    await it.publish(tax({ id: other, subject: other, allimobligation: `property-tax/${other}` }));
    await it.settle();
    await it.pump();
    await it.pool.query('UPDATE citizens SET dead_at = now() WHERE id = $1', [other]);
    await it.idle();
    expect(await told()).toEqual(['sms failed expired', 'sms failed withheld']);
  });

  test('tells that there is no address', async () => {
    await subscribe();
    await it.citizen({ id: who });
    await it.publish(tax());
    await it.idle();
    expect(await told()).toEqual(['null failed no-address']);
  });

  test('does not tell what the agency ended itself', async () => {
    await subscribe();
    await it.citizen({ id: who, sms: number() });
    await it.publish(tax());
    await it.settle();
    await it.publish(
      paidEvent({ id: `paid-${n}`, subject: who, allimobligation: `property-tax/f-${n}`, sequence: '1' }),
    );
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms cancelled/done']);
    expect(await told()).toEqual([]);
  });

  test('tells what a dead session left unclear for the second time', async () => {
    await subscribe();
    await it.citizen({ id: who, sms: number() });
    await it.publish(tax());
    await it.settle();
    await it.pump();
    for (let round = 0; round < 2; round++) {
      const worker = await it.worker();
      const [batch] = await it.rows<{ batch: BatchId; generation: number; month: string }>(
        `SELECT id AS batch, generation, month FROM batches WHERE state = 'queued' AND agency_id = 'nts'`,
      );
      await worker.coalescer.claim({ ...batch!, max: 10 });
      await worker.session.stop();
      expect(await it.endSessions()).toBe(1);
      it.memory.wipe();
      // A text that may have been sent is held for a quarter of an hour.
      it.at(15 * 60_000);
      await it.first.reconcile();
      await it.first.due.regroup();
      await it.pump();
    }
    expect(await told()).toEqual(['sms failed unclear']);
  });

  test('says that a trial is one', async () => {
    await subscribe();
    await setTrial(it.pool, 'nts', true);
    await it.citizen({ id: who, sms: number() });
    await it.publish(tax());
    await it.idle();
    await setTrial(it.pool, 'nts', false);
    expect(await told()).toEqual(['sms delivered trial']);
  });

  test('is told again, with the same ids, where the log failed; and another agency meanwhile', async () => {
    await subscribe();
    await setSubscription(it.pool, 'nhis', TOPIC_TARGET, true);
    await it.citizen({ id: who, sms: number() });
    await it.publish(tax());
    await it.idle();
    await it.pool.query(
      `INSERT INTO outbox (agency_id, reports, created_at) SELECT 'nhis', reports, created_at FROM outbox`,
    );
    const appended: { topic: string; ids: string[] }[] = [];
    let broken = true;
    const flaky = createStatusRelay({
      ...it,
      wake: () => {},
      broker: {
        append: async (name, records) => {
          const ids = records.map((record) => (JSON.parse(String(record.value)) as StatusReport).id);
          appended.push({ topic: name, ids });
          // Written, and the answer lost.
          if (broken && name === TOPIC) throw new Error('the log is gone');
          return [];
        },
      },
    });
    await flaky();
    expect(await it.rows('SELECT agency_id FROM outbox')).toEqual([{ agency_id: 'nts' }]);
    await flaky();
    expect(appended).toHaveLength(2);
    broken = false;
    it.at(60_000);
    await flaky();
    expect(appended.filter(({ topic: name }) => name === TOPIC).map(({ ids }) => ids)).toEqual([
      appended[1]!.ids,
      appended[1]!.ids,
    ]);
    expect(await it.rows('SELECT 1 FROM outbox')).toEqual([]);
  });
});

describe('a webhook', () => {
  const chance = () => 0;
  const caller = (options: { timeoutMs?: number; resolve?: Resolve; allowLoopback?: boolean } = {}) =>
    createWebhooks({ ...it, chance, call: { allowLoopback: true, ...options }, wake: () => {} });

  async function add(url = receiver.url, agency = 'nts'): Promise<WebhookId> {
    const secret = newWebhookSecret();
    receiver.secrets.push(secret);
    const id = randomId<WebhookId>();
    await transaction(it.pool, (sql) =>
      insertWebhook(sql, it.sealer, { id, agency, url, secret }, 10, it.clock.nowMs()),
    );
    return id;
  }

  /** Calls until nothing is due. */
  async function call(webhooks = caller()): Promise<void> {
    for (let round = 0; round < 20; round++) {
      await webhooks.run();
      await webhooks.settled();
    }
  }

  const state = async (id: string) => (await listWebhooks(it.pool, null, id))[0]!;

  /** A notice that is sent, reported and on the webhooks' lists. */
  async function notice(id = who): Promise<void> {
    await it.citizen({ id, sms: number() });
    await it.publish(tax({ id, subject: id, allimobligation: `property-tax/${id}` }));
    await it.idle();
    while (await relay());
  }

  test('shakes hands first, and is then told in signed calls', async () => {
    const id = await add();
    await notice(`${who}-before`);
    expect((await state(id)).state).toBe('new');
    await call();
    expect(receiver.calls.map(({ type, signedBy }) => [type, signedBy])).toEqual([
      ['webhook.handshake', [0]],
    ]);
    expect((await state(id)).state).toBe('active');
    await notice();
    expect(woken).toBe(1);
    await call();
    const [, told, ...more] = receiver.calls;
    expect(more).toEqual([]);
    expect(told).toMatchObject({ type: 'notification.status', signedBy: [0] });
    expect(told?.data).toMatchObject({ agency: 'nts', reports: [{ citizen: who, status: 'delivered' }] });
    expect(await state(id)).toMatchObject({ due: 0, givenUp: 0, failures: 0, lastError: null });
  });

  test('whose secret lies in the database in clear: none', async () => {
    await add();
    const [row] = await it.rows<{ secret: Buffer }>('SELECT secret FROM webhooks');
    expect(row?.secret.includes(receiver.secrets[0]!)).toBe(false);
    expect(row?.secret.includes(Buffer.from(receiver.secrets[0]!.slice(6), 'base64'))).toBe(false);
  });

  test('is signed with both secrets until the old one ends', async () => {
    const id = await add();
    await call();
    const fresh = newWebhookSecret();
    receiver.secrets.push(fresh);
    await rotateSecret(it.pool, it.sealer, id, 'nts', fresh, it.clock.nowMs() + 3_600_000);
    await notice();
    await call();
    it.at(3_600_000);
    await notice(`${who}-later`);
    await call();
    expect(receiver.calls.map((one) => one.signedBy)).toEqual([[0], [1, 0], [1]]);
  });

  test.each<[string, Behaviour, string]>([
    [
      'does not echo the challenge',
      (_, response) => response.end('{"challenge":"another"}'),
      'challenge-not-echoed',
    ],
    ['answers HTML', (_, response) => response.end('<html>'), 'challenge-not-echoed'],
    ['answers without end', (_, response) => void endless(response), 'answer-too-large'],
    ['never answers', () => {}, 'timeout'],
    [
      'answers the status and then nothing',
      (_, response) => void response.writeHead(200).write('{'),
      'timeout',
    ],
    ['cuts the connection', (_, __, request) => void request.socket.destroy(), 'ECONNRESET'],
    ['fails', (_, response) => void response.writeHead(500).end(), 'http-500'],
    ['answers 410', (_, response) => void response.writeHead(410).end(), 'http-410'],
    [
      'redirects to a private address',
      (_, response) => void response.writeHead(307, { location: 'http://169.254.169.254/' }).end(),
      'redirected',
    ],
  ])('that %s at the handshake is not told anything', async (_, behaviour, code) => {
    receiver.behave(behaviour);
    const id = await add();
    await call(caller({ timeoutMs: 300 }));
    expect(receiver.calls.map(({ type }) => type)).toEqual(['webhook.handshake']);
    expect(await state(id)).toMatchObject({
      state: code === 'http-410' ? 'disabled' : 'new',
      lastError: code,
      failures: 1,
    });
    expect(await it.rows('SELECT 1 FROM report_subscriptions')).toEqual([]);
  });

  test('that never shakes hands is disabled after a day, and shakes hands anew when asked', async () => {
    receiver.behave((_, response) => void response.writeHead(503).end());
    const id = await add();
    for (let hour = 0; hour < 40; hour++) {
      await call();
      it.at(3_600_000);
    }
    expect(await state(id)).toMatchObject({ state: 'disabled', lastError: 'http-503' });
    receiver.behave(null);
    await call();
    expect((await state(id)).state).toBe('disabled');
    await restartWebhook(it.pool, id, 'nts', it.clock.nowMs());
    await call();
    expect((await state(id)).state).toBe('active');
  });

  test('that fails is called again later and later, with the same call, and then with what came since', async () => {
    const id = await add();
    await call();
    receiver.behave((_, response) => void response.writeHead(503).end());
    await notice();
    await call();
    await notice(`${who}-since`);
    it.at(2_499);
    await call();
    expect(receiver.calls).toHaveLength(2);
    it.at(1);
    await call();
    expect(await state(id)).toMatchObject({ failures: 2, due: 2, lastError: 'http-503' });
    receiver.behave(null);
    it.at(7_500);
    await call();
    const [, first, second, third, rest, ...more] = receiver.calls;
    expect(more).toEqual([]);
    expect(new Set([first?.id, second?.id, third?.id]).size).toBe(1);
    expect(third?.data.reports.map((report) => report.citizen)).toEqual([who]);
    expect(rest?.data.reports.map((report) => report.citizen)).toEqual([`${who}-since`]);
    expect(await state(id)).toMatchObject({ failures: 0, due: 0, failingSince: null });
  });

  test('is told what has gathered in one call', async () => {
    await add();
    await call();
    for (const part of ['a', 'b', 'c']) await notice(`${who}-${part}`);
    await call();
    expect(receiver.calls[1]?.data.reports.map((report) => report.citizen)).toEqual(
      ['a', 'b', 'c'].map((part) => `${who}-${part}`),
    );
    expect(receiver.calls).toHaveLength(2);
  });

  test('is given up on after a day: shown, and told when asked', async () => {
    const id = await add();
    await call();
    await notice();
    receiver.behave((_, response) => void response.writeHead(500).end());
    for (let hour = 0; hour < 40; hour++) {
      await call();
      it.at(3_600_000);
    }
    expect(await state(id)).toMatchObject({ state: 'active', due: 0, givenUp: 1 });
    const before = receiver.calls.length;
    receiver.behave(null);
    await call();
    expect(receiver.calls).toHaveLength(before);
    expect(await redeliver(it.pool, id, 'nts', it.clock.nowMs())).toBe(1);
    await call();
    expect(receiver.calls.at(-1)?.data.reports.map((report) => report.citizen)).toEqual([who]);
    expect(await state(id)).toMatchObject({ due: 0, givenUp: 0 });
  });

  test('that answers 410 is disabled: what was due is given up, and nothing more is written for it', async () => {
    const id = await add();
    await call();
    await notice();
    receiver.behave((_, response) => void response.writeHead(410).end());
    await call();
    expect(await state(id)).toMatchObject({ state: 'disabled', due: 0, givenUp: 1, lastError: 'http-410' });
    await notice(`${who}-after`);
    expect(await state(id)).toMatchObject({ givenUp: 1, due: 0 });
    expect(await it.rows('SELECT 1 FROM outbox')).toEqual([]);
  });

  test('that hangs does not keep the others from being told', async () => {
    const good = await startReceiver();
    receiver.behave((_, response, request) => void (request.url === '/hook' ? undefined : response.end()));
    for (let i = 0; i < 6; i++) await add();
    await add(good.url, 'nhis');
    const webhooks = caller({ timeoutMs: 300 });
    await webhooks.run();
    const busy = await it.rows<{ agency: string; n: number }>(
      `SELECT agency_id AS agency, count(*) AS n FROM webhooks WHERE leased_until IS NOT NULL GROUP BY 1 ORDER BY 1`,
    );
    expect(busy).toEqual([
      { agency: 'nhis', n: 1 },
      { agency: 'nts', n: 4 },
    ]);
    await webhooks.settled();
    expect(good.calls).toHaveLength(1);
    await good.stop();
  });

  test('is called by one process at a time', async () => {
    await add();
    const [one, two] = [caller(), caller()];
    await Promise.all([one.run(), two.run()]);
    await Promise.all([one.settled(), two.settled()]);
    expect(receiver.calls).toHaveLength(1);
  });

  test.each([
    ['http in clear text', 'http://example.com/'],
    ['loopback', 'http://127.0.0.1:PORT/'],
    ['loopback by IPv6', 'https://[::1]:PORT/'],
    ['the metadata address', 'https://169.254.169.254/'],
    ['a private network', 'https://10.1.2.3/'],
    ['an IPv4 address in IPv6', 'https://[::ffff:10.1.2.3]/'],
    ['a number that is loopback', 'https://2130706433/'],
    ['credentials in it', 'https://user:password@example.com/'],
  ])('whose URL is %s is not called', async (_, url) => {
    const answer = await callWebhook(url.replace('PORT', String(receiver.port)), {}, '{}', {
      allowLoopback: false,
      wantBody: false,
    });
    expect(answer).toEqual({ kind: 'failed', code: 'url-refused' });
    expect(receiver.calls).toEqual([]);
  });

  test('whose name turns to a private address between two looks is not called', async () => {
    let looks = 0;
    const turning: Resolve = (_, __, callback) => {
      looks++;
      callback(null, [{ address: looks === 1 ? '203.0.114.9' : '127.0.0.1', family: 4 }]);
    };
    // Somebody's check before the call sees a public address; what is dialled is what is judged.
    turning('hook.example.kr', { all: true }, () => {});
    const answer = await callWebhook(`https://hook.example.kr:${receiver.port}/`, {}, '{}', {
      allowLoopback: false,
      wantBody: false,
      resolve: turning,
    });
    expect(answer).toEqual({ kind: 'failed', code: 'address-private' });
    expect(looks).toBe(2);
  });

  test('one of whose addresses is private is not called at all', async () => {
    const answer = await callWebhook('https://hook.example.kr/', {}, '{}', {
      allowLoopback: false,
      wantBody: false,
      resolve: (_, __, callback) =>
        callback(null, [
          { address: '203.0.114.9', family: 4 },
          { address: '192.168.0.1', family: 4 },
        ]),
    });
    expect(answer).toEqual({ kind: 'failed', code: 'address-private' });
  });

  test('whose name does not resolve in time has failed in time', async () => {
    const answer = await callWebhook('https://hook.example.kr/', {}, '{}', {
      allowLoopback: false,
      wantBody: false,
      timeoutMs: 50,
      resolve: () => {},
    });
    expect(answer).toEqual({ kind: 'failed', code: 'timeout' });
  });

  test('is told in calls of 500 reports and 256 KiB at most, in order', () => {
    const reports = (count: number, obligation: string) =>
      Array.from({ length: count }, (_, index) => ({ id: String(index), obligation }) as StatusReport);
    expect(callsOf('w', reports(1_200, 'x')).map((one) => one.reports.length)).toEqual([500, 500, 200]);
    const large = callsOf('w', reports(100, 'x'.repeat(10_000)));
    expect(large.map((one) => one.reports.length)).toEqual([26, 26, 26, 22]);
    for (const one of large) expect(JSON.stringify(one.reports).length).toBeLessThanOrEqual(256 * 1_024);
    expect(large.flatMap((one) => one.reports.map((report) => Number(report.id)))).toEqual(
      Array.from({ length: 100 }, (_, index) => index),
    );
  });

  test('is tried again after 5 s at first and 6 h at most, with jitter', () => {
    expect([1, 2, 3, 4, 20].map((failures) => retryAfterMs(failures, 1) / 1_000)).toEqual([
      5, 15, 45, 135, 21_600,
    ]);
    expect(retryAfterMs(1, 0)).toBe(2_500);
  });
});

/** Writes until the other side has had enough. */
function endless(response: Parameters<Behaviour>[1]): void {
  const write = () => {
    while (!response.destroyed && response.write('x'.repeat(1_024)));
    if (!response.destroyed) response.once('drain', write);
  };
  write();
}
