/**
 * Members of a consumer group and their leases, in tables. Guarantees that a lease has one holder at a time by the server's clock:
 * every change is made under one lock a group, and only a free lease, or that of a member whose session is over, is taken.
 * Rebalancing is cooperative: a member gives up what is no longer its share when it has ended work on it.
 */
import { type Sql, type SqlPool, transaction } from '../domain/sql.ts';
import { assignPartitions } from './assignment.ts';
import type { TopicPartition } from './broker.ts';
import { keyOf } from './partition-loop.ts';

export type GroupView = {
  /** By the table; somebody else may hold what we believe is ours, if our session was over for a while. */
  readonly mine: readonly TopicPartition[];
  /** Ours by the common assignment, and free. */
  readonly free: readonly TopicPartition[];
  /** Held by us, and by the common assignment somebody else's. */
  readonly surplus: readonly TopicPartition[];
};

export type EmbeddedGroup = {
  /** Prolongs the session and says how things stand. One statement. */
  beat(topics: ReadonlyMap<string, number>): Promise<GroupView>;
  /** Prolongs the session and takes the free leases that are our share; returns those taken. */
  take(topics: ReadonlyMap<string, number>): Promise<readonly TopicPartition[]>;
  release(partitions: readonly TopicPartition[]): Promise<void>;
  leave(): Promise<void>;
};

type LeaseRow = { topic: string; partition: number; member: string };

const BEAT = `
WITH me AS (
  INSERT INTO log_members (group_name, member, expires_at) VALUES ($1, $2, now() + $3 * interval '1 millisecond')
  ON CONFLICT (group_name, member) DO UPDATE SET expires_at = excluded.expires_at
)
SELECT m.member, l.topic, l.partition
  FROM (SELECT member FROM log_members WHERE group_name = $1 AND expires_at > now() UNION SELECT $2) m
  LEFT JOIN log_leases l ON l.group_name = $1 AND l.member = m.member`;

export function createEmbeddedGroup(
  pool: SqlPool,
  options: {
    readonly group: string;
    readonly member: string;
    readonly sessionMs: number;
    readonly coPartitioned: boolean;
  },
): EmbeddedGroup {
  const { group, member } = options;

  async function look(sql: Sql, topics: ReadonlyMap<string, number>): Promise<GroupView> {
    const { rows } = await sql.query<{ member: string; topic: string | null; partition: number }>({
      name: 'event-log-beat',
      text: BEAT,
      values: [group, member, options.sessionMs],
    });
    const held = rows.filter((row): row is LeaseRow => row.topic !== null);
    const members = [...new Set(rows.map((row) => row.member))].map((id) => ({
      id,
      held: held.filter((row) => row.member === id),
    }));
    const share = assignPartitions(topics, members, options.coPartitioned).get(member) ?? [];
    const shareKeys = new Set(share.map(keyOf));
    const taken = new Set(held.map(keyOf));
    const mine = held
      .filter((row) => row.member === member)
      .map(({ topic, partition }) => ({ topic, partition }));
    return {
      mine,
      free: share.filter((at) => !taken.has(keyOf(at))),
      surplus: mine.filter((at) => !shareKeys.has(keyOf(at))),
    };
  }

  return {
    beat: (topics) => look(pool, topics),
    take: (topics) =>
      transaction(pool, async (sql) => {
        await sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 7261))', [group]);
        const { free } = await look(sql, topics);
        if (free.length === 0) return free;
        await sql.query(
          `INSERT INTO log_leases (group_name, topic, partition, member, generation)
           SELECT $1, t, p, $2, 1 FROM unnest($3::text[], $4::int[]) AS u (t, p)
           ON CONFLICT (group_name, topic, partition) DO UPDATE SET member = $2, generation = log_leases.generation + 1`,
          [group, member, free.map((at) => at.topic), free.map((at) => at.partition)],
        );
        await sql.query(
          `DELETE FROM log_members WHERE group_name = $1 AND expires_at < now() - interval '1 minute'`,
          [group],
        );
        return free;
      }),
    async release(partitions) {
      await pool.query(
        `UPDATE log_leases l SET member = NULL FROM unnest($3::text[], $4::int[]) AS u (topic, partition)
          WHERE l.group_name = $1 AND l.member = $2 AND l.topic = u.topic AND l.partition = u.partition`,
        [group, member, partitions.map((at) => at.topic), partitions.map((at) => at.partition)],
      );
    },
    async leave() {
      await transaction(pool, async (sql) => {
        await sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 7261))', [group]);
        await sql.query('UPDATE log_leases SET member = NULL WHERE group_name = $1 AND member = $2', [
          group,
          member,
        ]);
        await sql.query('DELETE FROM log_members WHERE group_name = $1 AND member = $2', [group, member]);
      });
    },
  };
}
