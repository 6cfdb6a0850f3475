/**
 * `growth`: what a notice leaves behind, from plan to `sent`: bytes of all tables of the ledger with their indexes, and bytes of WAL, of a
 * broadcast and of targeted events; and whether vacuum keeps up: each round's bytes against the first's, dead rows, and the share of updates
 * that stayed in their page. Providers do nothing. WAL is read record by record (pg_walinspect): with the images of whole pages that
 * follow a checkpoint made right before each round, and without them.
 * `--notices N` a round, `--rounds N`, `--profile` for each table.
 */
import type { Context } from '../app/context.ts';
import { TOPICS } from '../domain/records.ts';
import { checkSent, preparePages, settled } from './pipeline.ts';
import { openPlace } from './place.ts';
import { type Child, startRoles } from './processes.ts';
import { citizenId, propertyTaxEvent, seedCatalogue, seedCitizens, seedProfiles } from './seed.ts';
import { type Options, type Report, round, say, until } from './support.ts';

/** Not of notices: who people are, what is published, and the log that stands in for Kafka. */
const APART = `relname ~ '^(citizens|merged_profiles|contact_points|preferences|opt_outs|identity_links|relations|consents|agencies|api_keys|event_types|rules|rule_versions|templates?|template_versions|schema_migrations|log_)'`;

type Sizes = {
  readonly bytes: number;
  readonly dead: number;
  readonly live: number;
  readonly updates: number;
  readonly hot: number;
};
type Wal = { readonly bytes: number; readonly images: number };

export async function growth(options: Options): Promise<Report> {
  const notices = options.number('notices', 50_000);
  const rounds = options.number('rounds', 4);
  const profiling = options.has('profile');
  const place = await openPlace({ services: true });
  const children: Child[] = [];
  try {
    return await place.withContext(async (context) => {
      say(`growth: seeding ${notices} citizens`);
      await seedCatalogue(context);
      await seedCitizens(context, notices);
      await seedProfiles(context, notices);
      await context.pool.query('CREATE EXTENSION IF NOT EXISTS pg_walinspect');
      // The shards would answer the broadcasts too, so they come in when those are done.
      for (const role of ['workers', 'dispatcher', 'rules'])
        children.push(await startRoles([role], { env: place.env }));
      const [workers, dispatcher, rules] = children as [Child, Child, Child];
      await workers.ask({ do: 'start' });
      await dispatcher.ask({ do: 'start' });

      // Each says what is done before its measure begins, and what is measured.
      const kinds: Readonly<Record<string, (name: string) => Promise<() => Promise<void>>>> = {
        broadcast: async (name) => {
          const pages = await preparePages(context, name, notices);
          return async () => {
            await context.broker.append(TOPICS.audiences.bulk, pages);
            await until(`the end of ${name}`, () => settled(context), { timeoutMs: 600_000 });
            await checkSent(context, name, notices);
          };
        },
        // One event a person: taken in, its obligation opened and its later stages scheduled. Nobody answers yet.
        intake: async (name) => async () => {
          await publish(context, name, notices);
          await until(`the questions of ${name}`, () => allAsked(context, name, notices));
        },
        targeted: async (name) => {
          await (await kinds['intake']!(name))();
          return async () => {
            await rules.ask({ do: 'start' });
            await until(`the end of ${name}`, () => allSent(context, name, notices), {
              everyMs: 500,
              timeoutMs: 600_000,
            });
            await rules.ask({ do: 'stop' });
          };
        },
      };
      const figures: Record<string, number> = {};
      for (const [kind, prepare] of Object.entries(kinds)) {
        const grown: number[] = [];
        const logged: Wal[] = [];
        // What is made once (partitions, the first pages of each table) is no notice's.
        await (await prepare(`${kind}-warm`))();
        const first = await sizes(context);
        const ended = { dead: 0, updates: 0, hot: 0 };
        for (let turn = 1; turn <= rounds; turn++) {
          const run = await prepare(`${kind}-${turn}`);
          const before = await sizes(context);
          await context.pool.query('CHECKPOINT');
          const wal = await walOf(context, profiling && turn === rounds, notices, run);
          const after = await sizes(context);
          grown.push((after.bytes - before.bytes) / notices);
          logged.push({ bytes: wal.bytes / notices, images: wal.images / notices });
          ended.dead = after.dead;
          ended.updates += after.updates - before.updates;
          ended.hot += after.hot - before.hot;
          say(
            `growth: ${kind} ${turn}: ${round(grown.at(-1)!)} B a notice, WAL ${round(logged.at(-1)!.bytes - logged.at(-1)!.images)} B and ${round(logged.at(-1)!.images)} B of page images, ` +
              `${after.dead} dead rows beside ${after.live}`,
          );
        }
        const mean = (of: (one: Wal) => number) => logged.reduce((sum, one) => sum + of(one), 0) / rounds;
        figures[`${kind}_bytes_a_notice`] = round(grown.reduce((sum, one) => sum + one, 0) / rounds);
        figures[`${kind}_wal_a_notice`] = round(mean((one) => one.bytes - one.images));
        figures[`${kind}_wal_with_images`] = round(mean((one) => one.bytes));
        if (ended.updates > notices) figures[`${kind}_hot_share`] = round(ended.hot / ended.updates);
        figures[`${kind}_dead_share`] = round(ended.dead / (first.live + notices * rounds));
        // Each round's bytes a notice ÷ the first's: above 1 the tables swell.
        figures[`${kind}_last_vs_first_round`] = round(grown.at(-1)! / grown[0]!);
        if (profiling) await sayTables(context, notices * (rounds + 1));
      }
      figures['outbox_rows_a_batch'] = round(await outboxRows(context, notices));
      return { figures, baseline: {}, ratio: {} };
    });
  } finally {
    await Promise.all(children.map((child) => child.exit()));
    await place.stop();
  }
}

async function publish(context: Context, name: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += 2_000)
    await context.broker.append(
      TOPICS.events,
      Array.from({ length: Math.min(2_000, count - from) }, (_, at) =>
        propertyTaxEvent(`${name}-${from + at}`, citizenId(from + at)),
      ),
    );
}

async function allAsked(context: Context, name: string, count: number): Promise<boolean> {
  const { rows } = await context.pool.query<{ accepted: number; unasked: number }>(
    `SELECT (SELECT count(*) FROM events WHERE source = '/nts/property-tax' AND event_id LIKE $1 AND state = 'accepted') AS accepted,
       (SELECT count(*) FROM fanouts WHERE state = 'asked' AND requested_at IS NULL) AS unasked`,
    [`${name}-%`],
  );
  return rows[0]?.accepted === count && rows[0].unasked === 0;
}

async function allSent(context: Context, name: string, count: number): Promise<boolean> {
  if (!(await settled(context))) return false;
  const { rows } = await context.pool.query<{ n: number }>(
    `SELECT count(*) AS n FROM events e JOIN notifications n ON n.event_id = e.id JOIN deliveries d ON d.notification_id = n.id
     WHERE e.source = '/nts/property-tax' AND e.event_id LIKE $1 AND d.status = 'sent'`,
    [`${name}-%`],
  );
  return rows[0]?.n === count && (await settled(context));
}

async function sizes(context: Context): Promise<Sizes> {
  await context.pool.query('SELECT pg_stat_force_next_flush()');
  const { rows } = await context.pool.query<Sizes>(
    `SELECT sum(pg_total_relation_size(c.oid))::bigint AS bytes, sum(n_dead_tup)::bigint AS dead, sum(n_live_tup)::bigint AS live,
       sum(n_tup_upd)::bigint AS updates, sum(n_tup_hot_upd)::bigint AS hot
     FROM pg_class c JOIN pg_stat_user_tables s ON s.relid = c.oid WHERE c.relnamespace = 'public'::regnamespace AND NOT c.${APART}`,
  );
  return rows[0]!;
}

/** What `work` wrote to the log. `detailed` says of which kind, and of which table or index. */
async function walOf(
  context: Context,
  detailed: boolean,
  notices: number,
  work: () => Promise<void>,
): Promise<Wal> {
  const at = async () =>
    (await context.pool.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn')).rows[0]!
      .lsn;
  const from = await at();
  await work();
  const to = await at();
  const { rows } = await context.pool.query<{ bytes: number; images: number }>(
    'SELECT pg_wal_lsn_diff($2, $1)::bigint AS bytes, (SELECT sum(fpi_size)::bigint FROM pg_get_wal_stats($1, $2)) AS images',
    [from, to],
  );
  if (detailed) {
    const kinds = await context.pool.query<{ line: string }>(
      `SELECT format('%s B %s B images %s records  %s', round(record_size / $3::numeric, 1), round(fpi_size / $3::numeric, 1), round(count / $3::numeric, 2), "resource_manager/record_type") AS line
       FROM pg_get_wal_stats($1, $2, true) WHERE combined_size / $3::numeric > 5 ORDER BY combined_size DESC`,
      [from, to, notices],
    );
    for (const { line } of kinds.rows) say(`  ${line}`);
    const places = await context.pool.query<{ line: string }>(
      `SELECT format('%s B (data %s, images %s)  %s', round(sum(b.block_data_length + b.block_fpi_length) / $3::numeric, 1), round(sum(b.block_data_length) / $3::numeric, 1),
         round(sum(b.block_fpi_length) / $3::numeric, 1), coalesce(c.relname, b.relfilenode::text)) AS line
       FROM pg_get_wal_block_info($1, $2, false) b LEFT JOIN pg_class c ON c.relfilenode = b.relfilenode GROUP BY c.relname, b.relfilenode
       HAVING sum(b.block_data_length + b.block_fpi_length) / $3::numeric > 5 ORDER BY sum(b.block_data_length + b.block_fpi_length) DESC`,
      [from, to, notices],
    );
    for (const { line } of places.rows) say(`  ${line}`);
  }
  return rows[0]!;
}

async function sayTables(context: Context, notices: number): Promise<void> {
  const { rows } = await context.pool.query<{ line: string }>(
    `SELECT format('%s B a notice (heap %s, indexes %s)  %s', round(pg_total_relation_size(c.oid) / $1::numeric), round(pg_relation_size(c.oid) / $1::numeric),
       round(pg_indexes_size(c.oid) / $1::numeric), relname) AS line
     FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND NOT c.${APART} AND pg_total_relation_size(c.oid) / $1::numeric > 2
     ORDER BY pg_total_relation_size(c.oid) DESC`,
    [notices],
  );
  for (const { line } of rows) say(`  ${line}`);
}

/** Rows that reports of an agency that subscribed take in `outbox`, a batch of deliveries. */
async function outboxRows(context: Context, notices: number): Promise<number> {
  const { pool } = context;
  await pool.query(`INSERT INTO report_subscriptions (agency_id, target) VALUES ('nhis', 'topic')`);
  const counts = async () =>
    (
      await pool.query<{ written: number; batches: number }>(
        'SELECT (SELECT last_value FROM outbox_number_seq) AS written, (SELECT count(*) FROM batches) AS batches',
      )
    ).rows[0]!;
  const pages = await preparePages(context, 'outbox', Math.min(10_000, notices));
  const before = await counts();
  await context.broker.append(TOPICS.audiences.bulk, pages);
  await until('the end of outbox', () => settled(context));
  const after = await counts();
  await pool.query('DELETE FROM report_subscriptions');
  return (after.written - before.written) / (after.batches - before.batches);
}
