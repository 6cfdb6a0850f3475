/** The oracle of `npm run faults` must itself be able to say no. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import type { Arrival } from './fault.ts';
import { createInputs, makePeople, type Round } from './inputs.ts';
import { complaintsOf, judge, type Ledger, loadRound, measureSlices, preparePeople } from './oracle.ts';

const AS_OF = '2026-11-22';
const people = makePeople(7, 400, 'http://127.0.0.1:1');

/** What a perfect product would have sent of a round: everybody once, by the first of their channels. */
async function perfect(database: TestDatabase): Promise<{ arrivals: Arrival[]; ledger: Ledger }> {
  const { rows } = await database.pool.query<{
    citizen: string;
    event: string;
    figure: number;
    reachable: boolean;
  }>('SELECT citizen, event, figure, reachable FROM expected WHERE must');
  const byId = new Map(people.map((person) => [person.id, person]));
  const arrivals: Arrival[] = [];
  const deliveries: Ledger['deliveries'][number][] = [];
  for (const [index, { citizen, event, figure }] of rows.entries()) {
    const point = byId.get(citizen)?.contactPoints[0];
    if (point === undefined) continue;
    const tax = figure > 10_000;
    const text = tax
      ? `재산세 ${figure.toLocaleString('ko')}원`
      : `건강검진 ${Math.floor(figure / 100)}월 ${figure % 100}일`;
    arrivals.push({
      channel: point.channel,
      address: point.channel === 'push' ? citizen : point.address,
      delivery: point.channel === 'sms' ? null : `tag-${index}`,
      headers: {},
      text,
      atMs: index,
    });
    deliveries.push({ citizen, event, channel: point.channel, status: 'sent', unclear: 0 });
  }
  return { arrivals, ledger: { deliveries, inbox: rows.map(({ citizen, event }) => ({ citizen, event })) } };
}

describe('the oracle of the faults', () => {
  let database: TestDatabase;
  let round: Round;
  let arrivals: Arrival[];
  let ledger: Ledger;
  const judged = () => judge(database.pool, arrivals, ledger);
  const wrong = async (allows = { left: false }) => complaintsOf(await judged(), allows);
  const indexOf = (channel: string) => arrivals.findIndex((arrival) => arrival.channel === channel);
  /** The arrival's row of the ledger. */
  function change(index: number, more: Partial<Ledger['deliveries'][number]>): void {
    const deliveries = [...ledger.deliveries];
    deliveries[index] = { ...deliveries[index]!, ...more };
    ledger = { ...ledger, deliveries };
  }

  beforeAll(async () => {
    database = await createDatabase({ migrated: false });
    await preparePeople(database.pool, people);
    const slices = await measureSlices(database.pool, AS_OF);
    const inputs = createInputs({ seed: 7, asOf: AS_OF, people, slices });
    inputs.next(300, 1);
    // The second has what the first settled and opened.
    round = inputs.next(300, 2);
  });
  afterAll(() => database?.drop());
  beforeEach(async () => {
    await loadRound(database.pool, round, AS_OF);
    ({ arrivals, ledger } = await perfect(database));
  });

  test('finds nothing wrong where everybody was told once', async () => {
    const verdict = await judged();
    expect(verdict).toMatchObject({ lost: 0, unexpected: 0, doubled: 0, unflagged: 0, evidence: {} });
    expect(verdict.expected).toBeGreaterThan(250);
    expect(verdict.expected).toBe(arrivals.length);
    expect(complaintsOf(verdict, { left: false })).toEqual([]);
    expect(new Set(round.assessments.map(({ kind }) => kind)).size).toBe(5);
  });

  test('misses one that never came, of each channel and of a broadcast', async () => {
    const tax = arrivals.findIndex(({ text }) => text.startsWith('재산세'));
    const broadcast = arrivals.findIndex(({ text }) => text.startsWith('건강검진'));
    const missing = new Set([indexOf('push'), indexOf('email'), indexOf('sms'), tax, broadcast]);
    arrivals = arrivals.filter((_arrival, index) => !missing.has(index));
    expect((await judged()).lost).toBe(missing.size);
  });

  test('takes one that the ledger owns up to for left, and wants the fault to allow it', async () => {
    change(0, { status: 'ambiguous', unclear: 2 });
    arrivals.splice(0, 1);
    expect(await judged()).toMatchObject({ lost: 0, left: 1 });
    expect(await wrong()).toEqual(['1 never arrived, and the ledger says so']);
    expect(await wrong({ left: true })).toEqual([]);
  });

  test('sees somebody who should not have been told, an address of nobody, and what was settled before', async () => {
    const settled = round.assessments.find(({ kind }) => kind === 'settled')!;
    const other = people.find(({ id, reachable }) => reachable && id !== arrivals[0]!.address)!;
    arrivals.push({ ...arrivals[0]!, channel: 'push', address: other.id });
    arrivals.push({ ...arrivals[0]!, channel: 'sms', address: '+820000000000' });
    arrivals.push({
      ...arrivals[0]!,
      channel: 'push',
      address: settled.citizen,
      text: `재산세 ${settled.amounts[0]}원`,
    });
    arrivals.push({ ...arrivals[0]!, text: 'hello' });
    expect((await judged()).unexpected).toBe(4);
  });

  test('lets a provider take back what has the same Topic, flagged, and counts the call', async () => {
    const at = indexOf('push');
    arrivals.push({ ...arrivals[at]! });
    expect(await wrong()).toEqual(['1 repeated without a flag in the ledger']);
    change(at, { unclear: 1 });
    expect(await wrong()).toEqual([]);
    expect((await judged()).repeated).toEqual({ push: 1, email: 0, sms: 0 });
  });

  test('sees the same notice under two Topics, two Message-IDs, or over two channels', async () => {
    for (const channel of ['push', 'email']) {
      const at = indexOf(channel);
      arrivals.push({ ...arrivals[at]!, delivery: 'another' });
      change(at, { unclear: 1 });
    }
    const mail = arrivals.findIndex(
      ({ channel, address }) => channel === 'email' && address !== arrivals[indexOf('email')]!.address,
    );
    const owner = people.find(({ contactPoints }) =>
      contactPoints.some((point) => point.channel === 'email' && point.address === arrivals[mail]!.address),
    )!;
    const sms = owner.contactPoints.find((point) => point.channel === 'sms');
    arrivals.push({
      ...arrivals[mail]!,
      channel: 'sms',
      address: sms?.channel === 'sms' ? sms.address : '',
      delivery: null,
    });
    change(mail, { unclear: 1 });
    expect(await judged()).toMatchObject({ doubled: 3, unflagged: 0, unexpected: 0 });
  });

  test('a text message that was sent twice is allowed as often as the ledger flags it, and no more', async () => {
    const at = indexOf('sms');
    arrivals.push({ ...arrivals[at]! });
    change(at, { unclear: 1 });
    expect(await wrong()).toEqual([]);
    arrivals.push({ ...arrivals[at]! });
    expect(await wrong()).toEqual(['1 repeated without a flag in the ledger']);
  });

  test('of a race, wants what the ledger calls sent', async () => {
    const race = round.assessments.find(({ kind }) => kind === 'race-paid')!;
    const event = round.events.find(({ data }) => data['amount'] === race.amounts[0])!.id;
    ledger = {
      deliveries: [
        ...ledger.deliveries,
        { citizen: race.citizen, event, channel: 'push', status: 'sent', unclear: 0 },
      ],
      inbox: [...ledger.inbox, { citizen: race.citizen, event }],
    };
    expect((await judged()).lost).toBe(1);
    const point = people.find(({ id }) => id === race.citizen)!.contactPoints[0]!;
    arrivals.push({
      ...arrivals[0]!,
      channel: point.channel,
      address: point.channel === 'push' ? race.citizen : point.address,
      delivery: 'race',
      text: `재산세 ${race.amounts[0]}원`,
    });
    expect(await judged()).toMatchObject({ lost: 0, unexpected: 0 });
  });

  test('looks into inboxes: one that is missing, one of a stranger, one twice', async () => {
    const [first, second, ...rest] = ledger.inbox;
    ledger = { ...ledger, inbox: [second!, second!, { ...second!, citizen: 'c-nobody' }, ...rest] };
    expect(first).toBeDefined();
    expect(await wrong()).toEqual(['1 missing in an inbox', '1 in the wrong inbox', '1 twice in an inbox']);
  });
});
