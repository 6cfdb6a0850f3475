/**
 * What must hold of the ledger's rows, one statement each, written against the tables alone and not with the code that counts. A statement
 * answers the ids of what is wrong, `id`, of one month. Each has one snapshot and takes no lock, so it may be asked while everything runs:
 * what transactions keep among themselves is always true in a snapshot. What is only kept in time (a batch is ended by its job, a question
 * is sent after its commit) is judged `before` an instant that the caller sets far enough back.
 */

export type AuditCheck = {
  readonly name: string;
  /** Completes "wrong: …". */
  readonly says: string;
  /** `month` and `before` are SQL literals. */
  readonly sql: (month: string, before: string) => string;
};

/** Counts of pages and of adopted notices are forgotten some time after a fan-out has ended (store/upkeep.ts). */
const RECENT = `interval '1 day'`;
/** Told keys are kept for 400 days. */
const KEPT = `interval '390 days'`;

const COMPLETE = (month: string) => `complete AS (
  SELECT f.id, f.stage_run_id, f.run_id, f.finished_at, (SELECT count(*) FROM runs x WHERE x.fanout_id = f.id) AS runs
  FROM fanouts f JOIN stage_runs s ON s.id = f.stage_run_id WHERE s.month = ${month} AND f.state = 'complete'
)`;

/** The kind that a notice counts under: a correction under that of the first stage that leaves at once. */
const TOLD_KIND = `CASE WHEN n.stage_kind <> 'corrected' THEN n.stage_kind ELSE coalesce((
  SELECT x.stage->>'kind' FROM rule_versions v, jsonb_array_elements(v.definition->'stages') WITH ORDINALITY x(stage, place)
  WHERE v.rule_id = s.rule_id AND v.version = s.rule_version AND x.stage->>'anchor' = 'event' AND x.stage->>'time' IS NULL
    AND (x.stage->>'offset')::interval = interval '0' ORDER BY x.place LIMIT 1), n.stage_kind) END`;

/** The key of a notice's row in `told`, as domain/ids.ts makes it, made again by other means. */
const TOLD_KEY = `(substr(n.obligation_id::text, 1, 7) || substr(encode(sha256(convert_to(concat_ws(chr(31),
  'told', n.obligation_id::text, s.rule_id, ${TOLD_KIND}, n.version::text, n.recipient_id), 'UTF8')), 'hex'), 8, 25))::uuid`;

export const AUDIT_CHECKS: readonly AuditCheck[] = [
  {
    name: 'run-equations',
    says: 'the counts of the run that completed a fan-out do not add up',
    sql: (month) => `WITH ${COMPLETE(month)}
      SELECT c.id FROM complete c LEFT JOIN runs r ON r.fanout_id = c.id AND r.run_id = c.run_id
      WHERE NOT coalesce(r.matched = r.matched_total AND r.matched = r.notified + r.told + r.done + r.superseded + r.nobody + r.opted_out
        AND r.recipients = r.planned + r.told_recipients + r.opted_recipients, false)`,
  },
  {
    name: 'run-pages',
    says: 'a complete run lacks pages, or has more than it said',
    sql: (month, before) => `WITH ${COMPLETE(month)}
      SELECT c.id FROM complete c JOIN runs r ON r.fanout_id = c.id AND r.run_id = c.run_id
      WHERE r.pages_planned IS DISTINCT FROM r.pages_total OR c.finished_at > ${before} - ${RECENT}
        AND (SELECT count(*) FROM pages p WHERE p.run_id = r.run_id) <> r.pages_total`,
  },
  {
    name: 'run-notices',
    says: 'a complete run says that it planned another number of notices than there are',
    sql: (month, before) => `WITH ${COMPLETE(month)}, own AS (
        SELECT n.run_id, count(*) AS notices, count(*) FILTER (WHERE n.no_address) AS no_address FROM notifications n WHERE n.month = ${month} GROUP BY 1
      ), stage AS (
        SELECT n.stage_run_id, count(*) AS notices FROM notifications n WHERE n.month = ${month} GROUP BY 1
      ), adopted AS (
        SELECT a.run_id, count(*) AS notices FROM run_adoptions a JOIN complete c ON c.run_id = a.run_id GROUP BY 1
      )
      SELECT c.id FROM complete c JOIN runs r ON r.fanout_id = c.id AND r.run_id = c.run_id
      LEFT JOIN own ON own.run_id = c.run_id LEFT JOIN stage ON stage.stage_run_id = c.stage_run_id LEFT JOIN adopted ON adopted.run_id = c.run_id
      WHERE r.planned < coalesce(own.notices, 0) OR r.planned > coalesce(stage.notices, 0) OR r.no_address < coalesce(own.no_address, 0)
        OR c.runs = 1 AND c.finished_at > ${before} - ${RECENT} AND r.planned <> coalesce(own.notices, 0) + coalesce(adopted.notices, 0)`,
  },
  {
    name: 'fanout-unasked',
    says: 'a fan-out was never asked of its shard',
    sql: (month, before) => `SELECT f.id FROM fanouts f JOIN stage_runs s ON s.id = f.stage_run_id
      WHERE s.month = ${month} AND f.state = 'asked' AND f.requested_at IS NULL AND f.created_at < ${before}`,
  },
  {
    name: 'notice-untold',
    says: 'a notice has no key in `told`, or the key is another stage run’s: it may be planned twice',
    sql: (
      month,
      before,
    ) => `SELECT n.id FROM notifications n JOIN stage_runs s ON s.id = n.stage_run_id LEFT JOIN told t ON t.key = ${TOLD_KEY}
      WHERE n.month = ${month} AND s.due_at > ${before} - ${KEPT} AND t.stage_run_id IS DISTINCT FROM n.stage_run_id`,
  },
  {
    name: 'told-unnoticed',
    says: 'a stage run has more or fewer keys in `told` than notices: somebody counts as told who was not',
    sql: (month, before) => `WITH keys AS (
        SELECT t.stage_run_id AS id, count(*) AS n FROM told t JOIN stage_runs s ON s.id = t.stage_run_id WHERE s.month = ${month} GROUP BY 1
      ), notices AS (
        SELECT n.stage_run_id AS id, count(*) AS n FROM notifications n WHERE n.month = ${month} GROUP BY 1
      )
      SELECT s.id FROM stage_runs s LEFT JOIN keys USING (id) LEFT JOIN notices USING (id)
      WHERE s.month = ${month} AND s.due_at > ${before} - ${KEPT} AND coalesce(keys.n, 0) <> coalesce(notices.n, 0)`,
  },
  {
    name: 'notice-undelivered',
    says: 'a notice for somebody with an address has no delivery, or one for nobody has',
    sql: (month) => `SELECT n.id FROM notifications n
      WHERE n.month = ${month} AND n.no_address = (EXISTS (SELECT 1 FROM deliveries d WHERE d.notification_id = n.id AND d.month = ${month})
        OR EXISTS (SELECT 1 FROM delivery_items i WHERE i.notification_id = n.id AND i.month = ${month}))`,
  },
  {
    name: 'delivery-unfounded',
    says: 'a delivery has no notice',
    sql: (month) => `SELECT d.id FROM deliveries d
      WHERE d.month = ${month} AND NOT EXISTS (SELECT 1 FROM notifications n WHERE n.id = d.notification_id AND n.month = ${month})
        AND NOT EXISTS (SELECT 1 FROM delivery_items i WHERE i.delivery_id = d.id AND i.month = ${month})`,
  },
  {
    name: 'delivery-unbatched',
    says: 'a delivery is planned or sending and no open batch carries it: nobody will take it up',
    sql: (
      month,
    ) => `SELECT d.id FROM deliveries d LEFT JOIN batches b ON b.id = d.batch_id AND b.month = ${month}
      WHERE d.month = ${month} AND d.status IN ('planned', 'sending') AND NOT coalesce(b.state <> 'ended' AND d.id = ANY(b.delivery_ids), false)`,
  },
  {
    name: 'batch-open',
    says: 'a batch counts fewer open deliveries than it has: the window is wider than it should be',
    sql: (month) => `SELECT b.id FROM batches b JOIN (
        SELECT d.batch_id, count(*) AS n FROM deliveries d WHERE d.month = ${month} AND d.status IN ('planned', 'sending') GROUP BY 1
      ) x ON x.batch_id = b.id WHERE b.month = ${month} AND b.open < x.n`,
  },
  {
    name: 'batch-empty',
    says: 'a batch is queued and nothing of it is left to do: it takes room in the window',
    sql: (
      month,
      before,
    ) => `SELECT b.id FROM batches b WHERE b.month = ${month} AND b.state = 'queued' AND b.queued_at < ${before}
      AND NOT EXISTS (SELECT 1 FROM deliveries d
        WHERE d.id = ANY(b.delivery_ids) AND d.month = ${month} AND d.batch_id = b.id AND d.status IN ('planned', 'sending'))`,
  },
  {
    name: 'sending-unowned',
    says: 'a delivery is sending under no session, or under one that was swept: it stays so',
    sql: (month) => `SELECT d.id FROM deliveries d LEFT JOIN worker_sessions w ON w.id = d.session_id
      WHERE d.month = ${month} AND d.status = 'sending' AND (w.id IS NULL OR w.swept_at IS NOT NULL)`,
  },
  {
    name: 'sent-uncalled',
    says: 'a delivery is sent and no call of it was ever counted',
    sql: (month) =>
      `SELECT d.id FROM deliveries d WHERE d.month = ${month} AND d.status IN ('sent', 'delivered', 'ambiguous') AND d.attempt = 0
        AND d.code IS DISTINCT FROM 'restore' AND d.code IS DISTINCT FROM 'restore-left'`,
  },
  {
    name: 'attempt-missing',
    says: 'a delivery was called again and an earlier call has no row in `attempts`',
    sql: (month) => `SELECT d.id FROM deliveries d WHERE d.month = ${month} AND d.attempt > 1
      AND (SELECT count(DISTINCT a.number) FROM attempts a WHERE a.delivery_id = d.id AND a.month = ${month} AND a.number < d.attempt) <> d.attempt - 1`,
  },
  {
    name: 'notice-doubled',
    says: 'a notice went out on two deliveries, and nothing about either was unclear',
    sql: (month) => `SELECT d.notification_id AS id FROM deliveries d
      WHERE d.month = ${month} AND d.notification_id IS NOT NULL AND d.status IN ('sent', 'delivered')
      GROUP BY 1 HAVING count(*) > 1 AND max(d.unclear) = 0`,
  },
  {
    name: 'waiting-unlisted',
    says: 'a delivery waits and no row of `waiting` says until when',
    sql: (month) => `SELECT d.id FROM deliveries d
      WHERE d.month = ${month} AND d.status = 'waiting' AND NOT EXISTS (SELECT 1 FROM waiting w WHERE w.delivery_id = d.id)`,
  },
  {
    name: 'waiting-unfounded',
    says: 'a row of `waiting` has no delivery, or is long due for one that does not wait',
    sql: (
      month,
      before,
    ) => `SELECT w.delivery_id AS id FROM waiting w LEFT JOIN deliveries d ON d.id = w.delivery_id AND d.month = ${month}
      WHERE w.month = ${month} AND (d.id IS NULL
        OR w.reason <> 'next-channel' AND d.status <> 'waiting' AND w.due_at < ${before} AND NOT EXISTS (SELECT 1 FROM stops))`,
  },
];
