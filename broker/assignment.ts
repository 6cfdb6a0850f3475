/**
 * Which member gets which partition: balanced to within one, and sticky, because a shard that moves has to load its citizens
 * again. Pure: every member that computes it from the same input gets the same answer.
 */
import type { TopicPartition } from './broker.ts';
import { keyOf } from './partition-loop.ts';

export type GroupMember = { readonly id: string; readonly held: readonly TopicPartition[] };

/**
 * Shares out the partitions of `topics` (partition count by topic). With `coPartitioned` the same partition number of every topic
 * goes to one member. Every member stands in the result.
 */
export function assignPartitions(
  topics: ReadonlyMap<string, number>,
  members: readonly GroupMember[],
  coPartitioned: boolean,
): Map<string, TopicPartition[]> {
  const ids = members.map((member) => member.id).sort();
  const result = new Map<string, TopicPartition[]>(ids.map((id) => [id, []]));
  if (ids.length === 0) return result;

  const unitOf = (at: TopicPartition) => (coPartitioned ? String(at.partition) : keyOf(at));
  const units = new Map<string, TopicPartition[]>();
  for (const topic of [...topics.keys()].sort()) {
    for (let partition = 0; partition < topics.get(topic)!; partition++) {
      const unit = unitOf({ topic, partition });
      units.set(unit, [...(units.get(unit) ?? []), { topic, partition }]);
    }
  }

  const claims = new Map(members.map((member) => [member.id, new Set(member.held.map(unitOf))]));
  const load = new Map<string, number>(ids.map((id) => [id, 0]));
  const give = (unit: string, id: string) => {
    result.get(id)!.push(...units.get(unit)!);
    load.set(id, load.get(id)! + 1);
    units.delete(unit);
  };

  const fair = Math.floor(units.size / ids.length);
  let extras = units.size % ids.length;
  for (const unit of [...units.keys()]) {
    const holder = ids.find((id) => claims.get(id)!.has(unit) && load.get(id)! < fair);
    if (holder !== undefined) give(unit, holder);
  }
  for (const unit of [...units.keys()]) {
    const holder =
      extras > 0 ? ids.find((id) => claims.get(id)!.has(unit) && load.get(id)! === fair) : undefined;
    if (holder === undefined) continue;
    give(unit, holder);
    extras--;
  }
  for (const unit of [...units.keys()]) {
    give(
      unit,
      ids.reduce((least, id) => (load.get(id)! < load.get(least)! ? id : least)),
    );
  }
  return result;
}
