/** What is still to do now, read from the ledger and the log; behind `GET /api/v1/status`. */

import type { Broker } from '../broker/broker.ts';
import { PLAN_GROUPS } from '../dispatcher/dispatcher.ts';
import { INTAKE_GROUP } from '../dispatcher/intake.ts';
import { TOPICS } from '../domain/records.ts';
import type { Sql } from '../domain/sql.ts';
import type { Context } from './context.ts';

async function lag(broker: Broker, sql: Sql, group: string, topic: string): Promise<number> {
  const [ends, begins, { rows }] = await Promise.all([
    broker.ends(topic),
    broker.begins(topic),
    sql.query<{ partition: number; position: number }>(
      'SELECT partition, position FROM consumer_offsets WHERE group_name = $1 AND topic = $2',
      [group, topic],
    ),
  ]);
  const positions = new Map(rows.map((row) => [row.partition, row.position]));
  return ends.reduce((sum, end, at) => sum + Math.max(0, end - (positions.get(at) ?? begins[at] ?? 0)), 0);
}

export async function readStatus(context: Pick<Context, 'pool' | 'broker'>) {
  const { pool, broker } = context;
  const [events, urgent, bulk, counts] = await Promise.all([
    lag(broker, pool, INTAKE_GROUP, TOPICS.events),
    lag(broker, pool, PLAN_GROUPS.urgent, TOPICS.audiences.urgent),
    lag(broker, pool, PLAN_GROUPS.bulk, TOPICS.audiences.bulk),
    pool.query<{ received: number; requests: number; due: number; open: number; waiting: number }>(
      `SELECT (SELECT count(*) FROM events WHERE state = 'received' AND relayed_at IS NULL) AS received,
         (SELECT count(*) FROM fanouts WHERE state = 'asked') AS requests,
         (SELECT count(*) FROM schedules WHERE due_at <= now()) AS due,
         (SELECT coalesce(sum(open), 0)::bigint FROM batches WHERE state IN ('ready', 'queued')) AS open,
         (SELECT count(*) FROM waiting WHERE due_at <= now() + interval '30 seconds' AND reason IN ('retry', 'ambiguous', 'next-channel')) AS waiting`,
    ),
  ]);
  const row = counts.rows[0]!;
  const backlog = {
    events: events + row.received,
    requests: row.requests,
    pages: urgent + bulk,
    schedulesDue: row.due,
    deliveries: row.open + row.waiting,
  };
  return { idle: Object.values(backlog).every((left) => left === 0), backlog };
}
