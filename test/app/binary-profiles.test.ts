import { expect, test } from '@jest/globals';
import { withBinaryProfiles } from '../../app/binary-profiles.ts';
import { TOPICS } from '../../domain/records.ts';
import { layoutOf, readProfile } from '../../rules/population/profile.ts';
import { isProfileRecord, ProfileRecords } from '../../rules/population/profile-record.ts';
import { fields } from '../rules/fixtures.ts';
import { MemoryBroker } from '../support/memory-broker.ts';

test('profiles go out as binary records, and nothing else does', async () => {
  const log = new MemoryBroker();
  for (const topic of [TOPICS.profiles, TOPICS.events]) log.create(topic, 1);
  const broker = withBinaryProfiles(
    Object.assign(Object.create(log) as MemoryBroker, { append: log.append.bind(log) }),
    fields,
  );
  const profile = { d: '1961-03-02', children: [{ id: 'c-2', grade: 3 }] };
  await broker.append(TOPICS.profiles, [
    { key: 'c1', value: JSON.stringify(profile), headers: { 'allim-initial': '1' } },
    { key: 'c2', value: null },
    { key: 'c3', value: '{"i":99}' },
    { key: 'c4', value: 'no JSON' },
  ]);
  await broker.append(TOPICS.events, [{ key: 'c1', value: JSON.stringify(profile) }]);
  const [binary, ...others] = log.read(TOPICS.profiles, 0);
  expect(binary).toMatchObject({ key: 'c1', headers: { 'allim-initial': '1' } });
  expect(isProfileRecord(binary!.value!)).toBe(true);
  const layout = layoutOf(fields);
  const records = new ProfileRecords(layout);
  records.read(binary!.value!);
  expect(records.profile().values).toEqual(readProfile(profile, layout).values);
  expect(others.map(({ value }) => value?.toString() ?? null)).toEqual([null, '{"i":99}', 'no JSON']);
  expect(log.read(TOPICS.events, 0)[0]!.value!.toString()).toBe(JSON.stringify(profile));
});
