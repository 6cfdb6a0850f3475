import { expect, test } from '@jest/globals';
import { TOPICS } from '../../domain/records.ts';
import { citizens, randomStream } from '../../producers/population.ts';
import { shippedFields } from '../../rules/catalogue.ts';
import { Shard, type ShardRecord } from '../../rules/run/shard.ts';

const people = [...citizens(5, 400)].map(({ profile }) => profile);

/** Everything of a shard that a batch may change. */
function shown(shard: Shard): unknown {
  const { population, arrived, forgotten, refused } = shard;
  return {
    arrived,
    forgotten,
    refused: refused.map(({ record, error }) => [record.offset, error.code]),
    people: Array.from(population.order(), (slot) => [
      population.idOf(slot),
      population.isLive(slot),
      population.profileAt(slot),
    ]),
  };
}

test('a batch does what its records do one by one: twice the same, newcomers, the forgotten, the disputed, the refused', () => {
  const fresh = (): Shard =>
    new Shard({ partition: 0, partitions: 1, fields: shippedFields(), begin: 0, end: 700, placed: () => {} });
  const [together, alone] = [fresh(), fresh()];
  const random = randomStream(3, 0);
  const some = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  for (let round = 0, offset = 0; round < 12; round++) {
    const records = Array.from({ length: 300 }, (): ShardRecord => {
      const profile = some(people);
      const kind = random();
      const value =
        kind < 0.04
          ? null
          : kind < 0.08
            ? Buffer.from('{"sex":"X"}')
            : kind < 0.5
              ? Buffer.from(JSON.stringify(kind < 0.2 ? { ...profile, unknown: 1 } : profile))
              : together.population.records.write(profile);
      const key = `c-${Math.floor(random() * 60 * (round + 1))}`;
      return { topic: TOPICS.profiles, partition: 0, offset: offset++, key, headers: {}, value };
    });
    const overlay = { disputed: ['sido', 'children', 'sigungu'], deceased: round % 3 ? null : '2026-05-01' };
    for (const { population } of [together, alone]) population.overlay(`c-${round}`, overlay);
    together.apply({ from: records[0]!.offset, next: offset, fence: 0, records });
    for (const record of records)
      alone.apply({ from: record.offset, next: record.offset + 1, fence: 0, records: [record] });
    expect(shown(together)).toEqual(shown(alone));
  }
  expect(together.refused.length).toBeGreaterThan(50);
  expect(together.population.size).toBeGreaterThan(300);
});
