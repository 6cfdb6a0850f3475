/**
 * Bugs that somebody might make, by hand: what the protocol rests on, taken away one at a time. Whoever changes the code that one is made
 * of adapts it here (test/mutants.test.ts says which); whoever adds a guarantee adds the bug that would break it.
 */
import type { Mutant } from './mutant.ts';

export const MUTANTS: readonly Mutant[] = [
  // Keys -------------------------------------------------------------------------------------------------------------------------
  {
    name: 'told-twice',
    would: 'a page that is answered twice is no longer planned once: it fails, and some are never told',
    file: 'store/plan.ts',
    from: 'ON CONFLICT (key) DO NOTHING RETURNING key',
    to: 'RETURNING key',
    tests: ['test/dispatcher/broadcast.test.ts'],
  },
  {
    name: 'deliveries-without-key',
    would: 'what stands already breaks the plan of a whole page: its citizens are not told',
    file: 'store/plan.ts',
    from: "'ON CONFLICT DO NOTHING' : ''} RETURNING id, month, agency_id, channel, lane, batch_id",
    to: "'' : ''} RETURNING id, month, agency_id, channel, lane, batch_id",
    tests: ['test/dispatcher/interleaved.test.ts'],
  },
  {
    name: 'conflict-is-known',
    would:
      'an event with an id that is taken is swallowed: the agency never hears that nobody was told of it',
    file: 'store/events.ts',
    from: "hashes.get(e.row)?.equals(e.hash) ? 'known' : 'conflict'",
    to: "hashes.has(e.row) ? 'known' : 'conflict'",
    tests: ['test/dispatcher/quarantine.test.ts'],
  },
  {
    name: 'plan-by-page-number',
    would: 'after a shard died the pages of its next run count as planned: who stood on them is never told',
    file: 'store/runs.ts',
    from: 'SELECT r, p, a, $5 FROM unnest($2::uuid[], $3::int[], $4::text[]) u(r, p, a) ORDER BY 1, 2 ON CONFLICT',
    to: `SELECT r, p, a, $5 FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[]) u(f, r, p, a)
      WHERE NOT EXISTS (SELECT 1 FROM runs x JOIN pages y ON y.run_id = x.run_id WHERE x.fanout_id = f AND y.page = p) ORDER BY 1, 2 ON CONFLICT`,
    tests: ['test/dispatcher/broadcast.test.ts'],
  },
  {
    name: 'adoptions-forgotten',
    would: 'a question that was answered twice cancels what its first answer planned: nobody is told',
    file: 'store/runs.ts',
    from: 'AND NOT EXISTS (SELECT 1 FROM run_adoptions a WHERE a.run_id = $2 AND a.notification_id = n.id)',
    to: '',
    tests: ['test/dispatcher/broadcast.test.ts'],
  },
  {
    name: 'equations-not-held',
    would: 'an answer that lost citizens on the way is called complete, and nobody looks for them',
    file: 'store/runs.ts',
    from: 'AND recipients = planned + told_recipients + opted_recipients, false) AS balanced',
    to: 'AND recipients = planned + told_recipients + opted_recipients, false) IS NOT NULL AS balanced',
    tests: ['test/dispatcher/quarantine.test.ts'],
  },
  // Positions --------------------------------------------------------------------------------------------------------------------
  {
    name: 'plan-offset-first',
    would: 'a dispatcher that dies in the middle of a page leaves its citizens untold',
    file: 'dispatcher/planner.ts',
    from: `        await advancePositions(
          sql,`,
    to: `        await advancePositions(
          pool,`,
    tests: ['test/dispatcher/interleaved.test.ts'],
  },
  {
    name: 'intake-offset-first',
    would: 'a dispatcher that dies while it takes events in loses them',
    file: 'dispatcher/intake.ts',
    from: `      await advancePositions(
        sql,`,
    to: `      await advancePositions(
        pool,`,
    tests: ['test/dispatcher/interleaved.test.ts'],
  },
  {
    name: 'fence-forgotten',
    would: 'a dispatcher that lost its partition goes on beside the one that has it',
    file: 'store/positions.ts',
    from: 'AND o.position = u.start AND o.fence = u.fence',
    to: 'AND o.position = u.start',
    tests: ['test/dispatcher/interleaved.test.ts'],
  },
  {
    name: 'relay-marks-first',
    would: 'events that were accepted over HTTP while Kafka was away are lost',
    file: 'producers/relay.ts',
    from: `    let done = items;
    try {`,
    to: `    let done = items;
    await markRelayed(pool, items.map((item) => item.row));
    try {`,
    tests: ['test/producers/relay.test.ts'],
  },
  {
    name: 'questions-noted-first',
    would: 'a question that the log did not take is never asked again: a shard of the country is not told',
    file: 'dispatcher/requests.ts',
    from: '    for (const { run } of asks) await ensureMonth(run.month);',
    to: `    for (const { run } of asks) await ensureMonth(run.month);
    await markRequested(pool, asks.map((ask) => ask.fanout.id));`,
    tests: ['test/dispatcher/interleaved.test.ts'],
  },
  // Locks and what one step ends for another --------------------------------------------------------------------------------------
  {
    name: 'plan-locks-nothing',
    would: 'who pays while the page is planned stays planned: the ledger owes what is done',
    file: 'store/plan.ts',
    from: "'SELECT id, state, version::text FROM obligations WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE'",
    to: "'SELECT id, state, version::text FROM obligations WHERE id = ANY($1::uuid[]) ORDER BY id'",
    tests: ['test/dispatcher/interleaved.test.ts'],
  },
  {
    name: 'done-ends-nothing',
    would: 'who has paid keeps a notice in the queue until a claim looks at it',
    file: 'store/obligations.ts',
    from: "WHERE d.id = e.id AND d.month = e.month AND d.status IN ('planned', 'waiting') RETURNING d.id",
    to: 'WHERE false AND d.id = e.id AND d.month = e.month RETURNING d.id',
    tests: ['test/dispatcher/targeted.test.ts'],
  },
  {
    name: 'waiting-row-stays',
    would: 'a retry leaves its row behind: it is put into a batch again and again',
    file: 'store/batches.ts',
    from: 'gone AS (DELETE FROM waiting w USING locked l WHERE w.delivery_id = l.id)',
    to: 'gone AS (SELECT 1)',
    tests: ['test/dispatcher/targeted.test.ts'],
  },
  // What the claim judges ---------------------------------------------------------------------------------------------------------
  {
    name: 'claim-ignores-expiry',
    would: 'a flood warning arrives after the flood',
    file: 'store/turn.ts',
    from: 'WHEN p.expires_at <= $11 THEN CASE',
    to: 'WHEN false THEN CASE',
    tests: ['test/workers/delivery.test.ts'],
  },
  {
    name: 'claim-ignores-stops',
    would: 'what is stopped is claimed and put back every few seconds, under a session that may die of it',
    file: 'store/turn.ts',
    from: 'WHEN (SELECT EXISTS (SELECT 1 FROM stops)) AND EXISTS',
    to: 'WHEN false AND EXISTS',
    tests: ['test/workers/session.test.ts'],
  },
  {
    name: 'claim-ignores-opt-out',
    would: 'who opted out an hour ago is written to',
    file: 'store/turn.ts',
    from: 'WHEN w.everywhere AND c.category IN',
    to: 'WHEN false AND c.category IN',
    tests: ['test/workers/delivery.test.ts'],
  },
  {
    name: 'claim-ignores-done',
    would: 'who has paid is told by text message, because their mail address was dead',
    file: 'store/turn.ts',
    from: "WHEN o.state = 'done' THEN 'cancelled/done'",
    to: "WHEN false THEN 'cancelled/done'",
    tests: ['test/dispatcher/interleaved.test.ts'],
  },
  {
    name: 'claim-ignores-superseded',
    would: 'a broadcast that was corrected a second ago goes out with the wrong date',
    file: 'store/turn.ts',
    from: "WHEN c.event_id IS NOT NULL AND c.superseded_at IS NOT NULL THEN 'cancelled/superseded'",
    to: "WHEN false THEN 'cancelled/superseded'",
    tests: ['test/dispatcher/broadcast.test.ts'],
  },
  // Sessions and attempts ---------------------------------------------------------------------------------------------------------
  {
    name: 'session-not-asked',
    would: 'a worker that was frozen for a minute goes on calling: people are told twice',
    file: 'workers/session.ts',
    from: 'session === id && performance.now() < deadline',
    to: 'session !== undefined && id !== undefined && deadline >= 0',
    tests: ['test/workers/session.test.ts'],
  },
  {
    name: 'result-of-any-session',
    would: 'the answer to a call of a dead worker ends a delivery that another is just making',
    file: 'store/turn.ts',
    from: "d.status = 'sending' AND d.session_id = r.session AND d.attempt = r.attempt",
    to: "d.status = 'sending' AND d.attempt = r.attempt",
    tests: ['test/workers/session.test.ts'],
  },
  {
    name: 'result-of-any-attempt',
    would:
      'a late answer to the first call is taken for that of the second: a notice that failed counts as sent',
    file: 'store/turn.ts',
    from: "d.status = 'sending' AND d.session_id = r.session AND d.attempt = r.attempt",
    to: "d.status = 'sending' AND d.session_id = r.session",
    tests: ['test/workers/session.test.ts'],
  },
  {
    name: 'attempt-not-counted',
    would: 'what fails is tried for ever',
    file: 'store/turn.ts',
    from: "attempt = d.attempt + CASE WHEN j.verdict = 'send' THEN 1 ELSE 0 END",
    to: 'attempt = d.attempt',
    tests: ['test/workers/session.test.ts'],
  },
  {
    name: 'claim-holds-no-session',
    would: 'rows that a dying worker claimed at the last moment stay "sending" for ever: nobody is told',
    file: 'store/turn.ts',
    from: 'SELECT id FROM worker_sessions WHERE id = $15 AND ended_at IS NULL FOR KEY SHARE',
    to: 'SELECT id FROM worker_sessions WHERE id = $15 AND ended_at IS NULL',
    tests: ['test/workers/session.test.ts'],
  },
  {
    name: 'sweep-forgets-unclear',
    would: 'a call whose end nobody knows is made again and again, and no double is flagged',
    file: 'store/sessions.ts',
    from: 'unclear = d.unclear + 1',
    to: 'unclear = d.unclear',
    tests: ['test/workers/session.test.ts'],
  },
  {
    name: 'lost-claims-stay',
    would: 'rows whose claim was committed in a connection that broke are never called',
    file: 'store/sessions.ts',
    from: "d.status = 'sending' AND d.session_id = $1 AND NOT d.id = ANY($2::uuid[])",
    to: "d.status = 'planned' AND d.session_id = $1 AND NOT d.id = ANY($2::uuid[])",
    tests: ['test/workers/session.test.ts'],
  },
  // Ambiguity ---------------------------------------------------------------------------------------------------------------------
  {
    name: 'retry-on-ambiguous',
    would:
      'a call of which nobody knows whether it was carried out is made over and over: the same text message five times',
    file: 'workers/outcome.ts',
    from: 'return mayResend(policy, row.unclear + 1)',
    to: 'return mayResend(policy, 0)',
    tests: ['test/workers/ambiguous.test.ts'],
  },
  {
    name: 'ambiguous-is-not-sent',
    would: 'the second call after "nobody knows" is not flagged: a double that nobody can see',
    file: 'workers/outcome.ts',
    from: "? { ...base, status: 'waiting', code, unclear: true, retryAtMs: nowMs + delayMs }",
    to: "? { ...base, status: 'waiting', code, retryAtMs: nowMs + delayMs }",
    tests: ['test/workers/ambiguous.test.ts'],
  },
  {
    name: 'dead-session-resends',
    would:
      'a text message of which nobody knows is sent once more after every worker that dies: five times, say',
    file: 'store/sessions.ts',
    from: 'f.unclear + 1 <= p.resend',
    to: 'p.resend >= 0',
    tests: ['test/workers/ambiguous.test.ts'],
  },
  // The queue ---------------------------------------------------------------------------------------------------------------------
  {
    name: 'window-of-the-queue',
    would:
      'with Redis wiped or slow everything that is ready is queued at once: a recall comes too late for all of it',
    file: 'store/pump.ts',
    from: 'r.before + (SELECT open FROM total) < $3::bigint',
    to: 'r.before < $3::bigint',
    tests: ['test/dispatcher/interleaved.test.ts'],
  },
  {
    name: 'queue-is-believed',
    would: 'what a wiped Redis held is never sent',
    file: 'dispatcher/pump.ts',
    from: "states[index] === 'missing' || states[index] === 'failed'",
    to: "states[index] === 'failed'",
    tests: ['test/workers/delivery.test.ts'],
  },
  {
    name: 'generation-not-raised',
    would: 'a job that turns up again after Redis was restored claims what another job is claiming',
    file: 'store/pump.ts',
    from: "SET state = 'queued', generation = generation + 1, queued_at",
    to: "SET state = 'queued', generation = greatest(generation, 1), queued_at",
    tests: ['test/workers/delivery.test.ts'],
  },
  // Receipts ----------------------------------------------------------------------------------------------------------------------
  {
    name: 'receipts-go-backwards',
    would:
      'what was delivered counts as failed when an old receipt comes late: the person is told again on another channel',
    file: 'domain/receipt.ts',
    from: `    default:
      return 'moot';`,
    to: `    case 'delivered':
      return verdict === 'delivered' ? 'moot' : 'failed-permanent';
    default:
      return 'moot';`,
    tests: ['test/domain/receipt.test.ts', 'test/dispatcher/receipts.test.ts'],
  },
  // Shards ------------------------------------------------------------------------------------------------------------------------
  {
    name: 'answers-before-it-knows',
    would: 'whose register entry came a moment before the event is not matched',
    file: 'rules/run/runs.ts',
    from: 'await shard.reached(request.minProfileOffset)',
    to: 'await shard.reached(0)',
    tests: ['test/rules/shard-server.test.ts'],
  },
  {
    name: 'tombstone-ignored',
    would: 'who was forgotten is still matched, and told',
    file: 'rules/run/shard.ts',
    from: 'population.forget(key);',
    to: '',
    tests: ['test/rules/shard-server.test.ts', 'test/rules/population.test.ts'],
  },
];
