/** What becomes of a call of which nobody knows how it ended, by the one table: from a call without an answer, and from a session that died. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Repeats } from '../../domain/ambiguity.ts';
import { countAmbiguous, listAmbiguous } from '../../store/ambiguous.ts';
import type { Outcome } from '../../workers/providers/provider.ts';
import { type Installation, install, START, taxEvent, windowEvent } from '../support/installation.ts';

let it: Installation;
let n = 0;
let who: string;
const HOLD = 60_000;

beforeAll(async () => {
  it = await install({ partitions: 1 });
});
afterAll(() => it.close());
beforeEach(() => {
  n++;
  who = `c-${n}`;
  it.forgetSent();
  it.at(START - it.clock.nowMs());
});

const unknown: Outcome = { kind: 'unknown', code: 'no-answer' };
const taken: Outcome = { kind: 'accepted', reference: 'r' };

/** Statutory, or of the category service. */
async function planned(category: 'statutory' | 'service' = 'statutory', event: object = {}): Promise<void> {
  const area = `9${String(n).padStart(4, '0')}`;
  await it.citizen({ id: who, sms: `+8210${String(n).padStart(8, '0')}`, profile: { sigungu: area } });
  await it.publish(
    category === 'statutory'
      ? taxEvent({ id: `e-${n}`, subject: who, allimobligation: `property-tax/${n}`, ...event })
      : windowEvent({ id: `e-${n}`, allimobligation: `checkup/${n}`, data: { area } as never, ...event }),
  );
  await it.settle();
  await it.pump();
}

/** The worker that has it in flight is never heard of again. */
async function lost(): Promise<void> {
  const frozen = await it.worker();
  const { promise: called, resolve: calling } = Promise.withResolvers<void>();
  const answer = it.providers.sms.answer;
  it.providers.sms.answer = () => {
    calling();
    return new Promise(() => {});
  };
  void it.deliver(frozen);
  await called;
  it.providers.sms.answer = answer;
  await it.pool.query(
    `UPDATE worker_sessions SET heartbeat_at = clock_timestamp() - interval '60 s' WHERE id = $1`,
    [frozen.session.id()],
  );
  expect(await it.endSessions()).toBe(1);
  await frozen.session.stop();
}

/** The same by both ways: a call without an answer, and a session that died with one in flight. */
const WAYS = {
  'a call without an answer': async () => {
    it.providers.sms.answer = () => unknown;
    await it.deliver();
  },
  'a session that died': lost,
};

async function state(): Promise<string> {
  const rows = await it.rows<{ line: string }>(
    `SELECT d.status || ' ' || d.unclear || coalesce(' +' || round(extract(epoch FROM w.due_at - $2::timestamptz)), '') AS line
     FROM deliveries d JOIN notifications n ON n.id = d.notification_id LEFT JOIN waiting w ON w.delivery_id = d.id
     WHERE n.recipient_id = $1`,
    [who, new Date(it.clock.nowMs())],
  );
  return rows.map((row) => row.line).join();
}

describe.each(Object.entries(WAYS))('%s', (_name, happens) => {
  test('over SMPP: a statutory notice is held for a receipt and sent once more', async () => {
    await planned();
    await happens();
    expect(await state()).toBe('waiting 1 +60');
    it.providers.sms.answer = () => unknown;
    it.at(HOLD - 1);
    await it.idle();
    expect(it.sent()).toHaveLength(1);
    it.at(1);
    await it.idle();
    expect(it.sent()).toHaveLength(2);
    expect(await state()).toBe('ambiguous 2');
    it.at(24 * 3_600_000);
    await it.idle();
    expect(it.sent()).toHaveLength(2);
  });

  test('over SMPP: any other notice is left as it is', async () => {
    await planned('service');
    await happens();
    expect(await state()).toBe('ambiguous 1');
    it.at(24 * 3_600_000);
    await it.idle();
    expect(it.sent()).toHaveLength(1);
  });

  test('where receivers know a repetition by Message-ID: sent again as often as the category may, under the same id', async () => {
    it.providers.sms.repeats = 'recognised';
    await planned('service');
    await happens();
    expect(await state()).toMatch(/^waiting 1 \+[5-9]/);
    it.providers.sms.answer = () => unknown;
    it.at(10_000);
    await it.idle();
    expect(await state()).toBe('ambiguous 2');
    expect(new Set(it.sent().map((sent) => sent.delivery)).size).toBe(1);
    expect(it.sent()).toHaveLength(2);
  });

  test('where receivers drop repetitions: sent again until it is answered', async () => {
    it.providers.sms.repeats = 'replaced';
    await planned('service');
    await happens();
    it.providers.sms.answer = () => unknown;
    for (let round = 0; round < 4; round++) {
      it.at(15 * 60_000);
      await it.idle();
    }
    expect(await state()).toMatch(/^waiting 5 /);
    it.providers.sms.answer = () => taken;
    it.at(15 * 60_000);
    await it.idle();
    expect(await state()).toBe('sent 5');
  });

  test('where it can be asked: nothing is sent where the provider has it', async () => {
    it.providers.sms.repeats = 'asked';
    it.providers.sms.ask = async (_delivery, mayCall) => (mayCall() ? taken : unknown);
    await planned('service');
    await happens();
    it.at(10_000);
    await it.idle();
    expect(await state()).toBe('sent 1');
    expect(it.sent()).toHaveLength(1);
  });

  test('where it can be asked: asked until it answers, and sent where it never had it', async () => {
    const answers: (Outcome | 'absent')[] = [{ kind: 'temporary', code: '503' }, 'absent'];
    it.providers.sms.repeats = 'asked';
    it.providers.sms.ask = async () => answers.shift()!;
    await planned('service');
    await happens();
    it.providers.sms.answer = () => taken;
    it.at(10_000);
    await it.idle();
    expect(it.sent()).toHaveLength(1);
    expect(await state()).toMatch(/^waiting 1 \+/);
    it.at(60_000);
    await it.idle();
    expect(await state()).toBe('sent 1');
    expect(it.sent()).toHaveLength(2);
    expect(answers).toEqual([]);
  });

  test('what cannot be asked until it expires is ambiguous, not failed', async () => {
    it.providers.sms.repeats = 'asked';
    it.providers.sms.ask = async () => ({ kind: 'temporary', code: '503' });
    await planned('statutory', { expirytime: '2026-07-10T12:01:00+09:00' });
    await happens();
    for (let round = 0; round < 10; round++) {
      it.at(8_000);
      await it.idle();
    }
    expect(await state()).toBe('ambiguous 1');
    expect(it.sent()).toHaveLength(1);
  });

  test('what would be sent again only after it has expired is left', async () => {
    await planned('statutory', { expirytime: '2026-07-10T12:00:45+09:00' });
    await happens();
    expect(await state()).toBe('ambiguous 1');
  });
});

test('what expires while it is held is ambiguous, not merely expired', async () => {
  it.providers.sms.repeats = 'replaced';
  await planned('statutory', { expirytime: '2026-07-10T12:01:00+09:00' });
  it.providers.sms.answer = () => unknown;
  await it.deliver();
  it.at(120_000);
  await it.idle();
  expect(await it.told(who)).toEqual(['opened sms ambiguous/expired']);
});

test('the limit of the channel counts from the first call', async () => {
  it.providers.sms.answer = () => ({ kind: 'temporary', code: 'busy' });
  await planned('service');
  await it.idle();
  // Twelve hours for a text of a service.
  for (let hour = 0; hour < 11; hour++) {
    it.at(3_600_000);
    await it.idle();
  }
  expect(await state()).toMatch(/^waiting/);
  for (let hour = 0; hour < 2; hour++) {
    it.at(3_600_000);
    await it.idle();
  }
  expect(await it.told(who)).toEqual(['opened sms failed-temporary/busy']);
});

describe('an adapter that throws', () => {
  test('before it asked whether it may call fails through us: nothing had left', async () => {
    const { sms } = it.providers;
    const send = sms.send.bind(sms);
    sms.send = async () => {
      throw new Error('a bug');
    };
    try {
      await planned();
      await it.deliver();
    } finally {
      sms.send = send;
    }
    expect(await it.told(who)).toEqual(['opened sms waiting/adapter-threw']);
    expect(await state()).toMatch(/^waiting 0/);
  });

  test('after that is one of which nobody knows', async () => {
    await planned();
    it.providers.sms.answer = () => {
      throw new Error('a bug');
    };
    await it.deliver();
    expect(await state()).toMatch(/^waiting 1/);
  });
});

test.each<Repeats>(['replaced', 'asked', 'recognised', 'blind'])(
  'a refusal of an address after an unclear call is a refusal, %s',
  async (repeats) => {
    it.providers.sms.repeats = repeats;
    if (repeats === 'asked') it.providers.sms.ask = async () => 'absent';
    await planned();
    it.providers.sms.answer = () => unknown;
    await it.deliver();
    it.providers.sms.answer = () => ({ kind: 'permanent', code: 'gone' });
    it.at(HOLD);
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms failed-permanent/gone']);
  },
);

test('each such call is counted and listed, with what was decided, and nobody is named', async () => {
  const fresh = await install({ partitions: 1 });
  try {
    const before = it;
    it = fresh;
    await planned();
    it.providers.sms.answer = () => unknown;
    await it.deliver();
    const until = new Date(it.clock.nowMs() + HOLD);
    expect(await countAmbiguous(it.pool, null, it.clock.nowMs())).toBe(1);
    expect(await countAmbiguous(it.pool, 'nhis', it.clock.nowMs())).toBe(0);
    const [held] = await listAmbiguous(it.pool, 'nts', null, 10);
    expect(held).toMatchObject({
      agency: 'nts',
      channel: 'sms',
      category: 'statutory',
      attempt: 1,
      why: 'no-answer',
      decided: 'held',
      until,
      status: 'waiting',
      late: null,
    });
    it.at(HOLD);
    await it.idle();
    const listed = await listAmbiguous(it.pool, null, null, 10);
    expect(listed.map(({ attempt, decided, status }) => [attempt, decided, status])).toEqual([
      [2, 'left', 'ambiguous'],
      [1, 'again', 'ambiguous'],
    ]);
    expect(await listAmbiguous(it.pool, null, listed[0]!, 10)).toEqual([listed[1]]);
    expect(JSON.stringify(listed)).not.toContain(who);
    it = before;
  } finally {
    await fresh.close();
  }
});
