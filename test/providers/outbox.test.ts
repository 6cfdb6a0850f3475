import { expect, test } from '@jest/globals';
import { createNullProvider } from '../../workers/providers/null.ts';
import { createOutboxProvider, type OutboxRow } from '../../workers/providers/outbox.ts';
import { createDelivery, createRecorder, no, yes } from './builders.ts';

const content = { channel: 'sms', text: '안녕하세요' } as const;

test('calls that come while a write is under way share the next one', async () => {
  const writes: OutboxRow[][] = [];
  const release: (() => void)[] = [];
  const outbox = createOutboxProvider({
    channel: 'sms',
    clock: { nowMs: () => 7 },
    store: (rows) => {
      writes.push([...rows]);
      return new Promise((done) => release.push(() => done()));
    },
  });
  const first = outbox.send(createDelivery('+821011112222', content), yes);
  await Promise.resolve();
  await Promise.resolve();
  const others = Array.from({ length: 30 }, () => outbox.send(createDelivery('+821011112222', content), yes));
  expect(writes.map((rows) => rows.length)).toEqual([1]);
  release.shift()!();
  expect(await first).toEqual({ kind: 'accepted', reference: null });
  expect(writes.map((rows) => rows.length)).toEqual([1, 30]);
  release.shift()!();
  await Promise.all(others);
  await outbox.stop();
  expect(writes[0]![0]).toMatchObject({ channel: 'sms', attempt: 1, agency: 'nts', content, atMs: 7 });
});

test('a write that fails is temporary for those in it, and the next goes on', async () => {
  let fail = true;
  const logger = createRecorder();
  const outbox = createOutboxProvider({
    channel: 'sms',
    logger,
    store: async () => {
      if (fail) throw new Error('no database');
    },
  });
  const send = () => outbox.send(createDelivery('+821011112222', content), yes);
  expect(await send()).toEqual({ kind: 'temporary', code: 'outbox-unavailable' });
  expect(logger.lines.join()).toContain('no database');
  expect(logger.lines.join()).not.toContain('+8210');
  fail = false;
  expect(await send()).toMatchObject({ kind: 'accepted' });
});

test('nothing is written for a lost session or another channel', async () => {
  let writes = 0;
  const outbox = createOutboxProvider({ channel: 'sms', store: async () => void writes++ });
  expect(await outbox.send(createDelivery('x', content), no)).toEqual({
    kind: 'temporary',
    code: 'session-lost',
  });
  const mail = createDelivery('x', { channel: 'push', title: 'a', body: 'b' });
  expect(await outbox.send(mail, yes)).toEqual({ kind: 'technical', code: 'content-mismatch' });
  expect(writes).toBe(0);
});

test('the null provider accepts, and keeps to the session', async () => {
  const provider = createNullProvider({ channel: 'sms' });
  expect(await provider.send(createDelivery('x', content), yes)).toEqual({
    kind: 'accepted',
    reference: null,
  });
  expect(await provider.send(createDelivery('x', content), no)).toMatchObject({ kind: 'temporary' });
});
