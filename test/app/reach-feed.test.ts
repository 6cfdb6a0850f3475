/** Which channels lead to whom, as the shards know it, beside what the contact points in the store say. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createReachFeed, type ReachFeed } from '../../app/reach-feed.ts';
import { silentLogger } from '../../domain/logger.ts';
import { partitionOf } from '../../domain/murmur2.ts';
import { transaction } from '../../domain/sql.ts';
import { shippedFields } from '../../rules/catalogue.ts';
import { readProfile } from '../../rules/population/profile.ts';
import { Shard } from '../../rules/run/shard.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

const PARTITIONS = 2;
const fields = shippedFields();
const CHANNELS = ['push', 'email', 'sms'];

let database: TestDatabase;
let nowMs = 1_000;
let held: Shard[];
let feed: ReachFeed;
let cut = false;

const shardOf = (partition: number) =>
  new Shard({ partition, partitions: PARTITIONS, fields, begin: 0, end: 0, placed: () => {} });

function know(shards: readonly Shard[], id: string): void {
  const { population } = shards[partitionOf(id, PARTITIONS)]!;
  population.upsert(id, readProfile({}, population.layout));
}

/** As names, of whoever holds the citizen. */
function reachOf(shards: readonly Shard[], id: string): string[] {
  const { population } = shards[partitionOf(id, PARTITIONS)]!;
  const bits = population.reachable.reachOf(population.slotOf(id)!);
  return CHANNELS.filter((_, at) => ((bits >> at) & 1) === 1);
}

const add = (
  id: string,
  channel: string,
  verified = true,
  sql: Pick<TestDatabase['pool'], 'query'> = database.pool,
) =>
  sql.query(
    `INSERT INTO contact_points (id, citizen_id, channel, address, address_index, verified_at)
     VALUES (gen_random_uuid(), $1, $2, '\\x00', sha256(($1 || $2)::bytea), CASE WHEN $3 THEN now() END)`,
    [id, channel, verified],
  );
const change = (id: string, channel: string, set: string) =>
  database.pool.query(`UPDATE contact_points SET ${set} WHERE citizen_id = $1 AND channel = $2`, [
    id,
    channel,
  ]);

async function round(): Promise<void> {
  nowMs += 2_000;
  await feed.round();
}

beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.pool.query('DELETE FROM citizens');
  await database.pool.query(`INSERT INTO citizens (id) SELECT 'c-' || n FROM generate_series(0, 19) n`);
  held = [shardOf(0), shardOf(1)];
  for (let n = 0; n < 10; n++) know(held, `c-${n}`);
  const { pool } = database;
  feed = createReachFeed({
    pool: {
      connect: () => pool.connect(),
      query: (async (statement: { text?: string }, values?: readonly unknown[]) => {
        if (cut && statement.text?.includes('reach_changes')) throw new Error('cut');
        return pool.query(statement as never, values);
      }) as typeof pool.query,
    },
    clock: { nowMs: () => nowMs },
    logger: silentLogger,
    shards: () => held,
    partitions: () => PARTITIONS,
  });
});

test('what is there is read: channels that are verified and lead somewhere', async () => {
  await add('c-1', 'sms');
  await add('c-1', 'email', false);
  await add('c-2', 'push');
  await add('c-2', 'sms');
  await change('c-2', 'sms', 'invalid_at = now()');
  expect(held[0]!.population.reachable.asOfMs).toBeNull();
  await round();
  expect(['c-0', 'c-1', 'c-2'].map((id) => reachOf(held, id))).toEqual([[], ['sms'], ['push']]);
  for (const { population } of held) expect(population.reachable.asOfMs).toBe(nowMs);
});

test('what changes is followed: verified, refused for good, taken away, and citizens who come', async () => {
  await add('c-1', 'sms');
  await add('c-2', 'email', false);
  await round();
  await change('c-1', 'sms', 'invalid_at = now()');
  await change('c-2', 'email', 'verified_at = now()');
  await add('c-3', 'push');
  // Her contact points came before she did.
  await add('c-11', 'sms');
  await round();
  know(held, 'c-11');
  await round();
  expect(['c-1', 'c-2', 'c-3', 'c-11'].map((id) => reachOf(held, id))).toEqual([
    [],
    ['email'],
    ['push'],
    ['sms'],
  ]);
  await database.pool.query(`DELETE FROM citizens WHERE id = 'c-3'`);
  await round();
  expect(reachOf(held, 'c-3')).toEqual([]);
});

test('what a long transaction wrote is seen when it ends, and what ended meanwhile before', async () => {
  await round();
  await transaction(database.pool, async (sql) => {
    await add('c-1', 'sms', true, sql as never);
    await add('c-2', 'push');
    await round();
    expect([reachOf(held, 'c-1'), reachOf(held, 'c-2')]).toEqual([[], ['push']]);
  });
  await round();
  expect(reachOf(held, 'c-1')).toEqual(['sms']);
});

test('a shard that was away reads everything anew, or it would miss what changed', async () => {
  await add('c-1', 'sms');
  await add('c-2', 'push');
  await round();
  const all = held;
  const away = partitionOf('c-1', PARTITIONS);
  held = all.filter(({ partition }) => partition !== away);
  await database.pool.query('DELETE FROM contact_points');
  for (const n of [4, 5, 6, 7]) await add(`c-${n}`, 'email');
  await round();
  held = all;
  await round();
  for (const n of [1, 2]) expect(reachOf(held, `c-${n}`)).toEqual([]);
  for (const n of [4, 5, 6, 7]) expect(reachOf(held, `c-${n}`)).toEqual(['email']);
});

test('after so long that changes may no longer be kept, everything is read anew', async () => {
  await add('c-1', 'sms');
  await round();
  await change('c-1', 'sms', 'invalid_at = now()');
  await database.pool.query('DELETE FROM reach_changes');
  nowMs += 3 * 86_400_000;
  await round();
  expect(reachOf(held, 'c-1')).toEqual([]);
});

test('a round that fails leaves what is known, and the next makes up for it', async () => {
  await add('c-1', 'sms');
  await round();
  const asOf = nowMs;
  await add('c-2', 'push');
  know(held, 'c-12');
  await add('c-12', 'email');
  cut = true;
  await expect(round()).rejects.toThrow('cut');
  for (const { population } of held) expect(population.reachable.asOfMs).toBe(asOf);
  cut = false;
  await round();
  expect(['c-1', 'c-2', 'c-12'].map((id) => reachOf(held, id))).toEqual([['sms'], ['push'], ['email']]);
});
