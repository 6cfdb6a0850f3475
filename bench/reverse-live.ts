/**
 * How soon a life change is told: somebody moves to where a broadcast is open, from the append to Kafka to the call of the provider. Roles are
 * processes of their own. `--moves N` (300), `--rate N` a second (20), `--citizens N` (20,000).
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { TOPICS } from '../domain/records.ts';
import { steadily } from './load.ts';
import { openPlace } from './place.ts';
import { type Child, startRoles } from './processes.ts';
import { checkupEvent, citizenId, profileOf, seedCatalogue, seedCitizens, seedProfiles } from './seed.ts';
import { nowMs, type Options, quantile, round, say, until } from './support.ts';

/** Where nobody of the seed lives. */
const AREA = '26';

export async function reverseLive(options: Options): Promise<Readonly<Record<string, number>>> {
  const citizens = options.number('citizens', 20_000);
  const moves = Math.min(options.number('moves', 300), citizens);
  const place = await openPlace({ services: true });
  const record = path.join(place.folder, 'calls');
  const children: Child[] = [];
  try {
    return await place.withContext(async (context) => {
      say(`reverse: seeding ${citizens} citizens`);
      await seedCatalogue(context);
      await seedCitizens(context, citizens);
      await seedProfiles(context, citizens);
      for (const role of ['rules', 'workers', 'dispatcher'])
        children.push(
          await startRoles([role], { env: place.env, ...(role === 'workers' ? { record } : {}) }),
        );
      for (const child of children) await child.ask({ do: 'start' });
      await context.broker.append(TOPICS.events, [checkupEvent('open', { area: AREA })]);
      await until('the answer of every shard', async () => {
        const { rows } = await context.pool.query<{ open: number; all: number }>(
          `SELECT count(*) FILTER (WHERE state = 'asked')::int AS open, count(*)::int AS all FROM fanouts`,
        );
        return rows[0]!.all > 0 && rows[0]!.open === 0;
      });
      say(`reverse: ${moves} people move`);
      const move = async (at: number) => {
        const id = citizenId(at);
        const value = JSON.stringify({ ...profileOf(at), sido: AREA, sigungu: `${AREA}110` });
        const atMs = nowMs();
        await context.broker.append(TOPICS.profiles, [{ key: id, value }]);
        return { id, atMs };
      };
      const moved = await steadily(options.number('rate', 20), moves, move);
      const took = await tookOf(context, record, moved);
      return {
        life_change_p50_ms: round(quantile(took, 0.5)),
        life_change_p99_ms: round(quantile(took, 0.99)),
        life_change_max_ms: round(Math.max(...took)),
      };
    });
  } finally {
    await Promise.all(children.map((child) => child.exit()));
    await place.stop();
  }
}

/** Waits until everybody who moved was told, once. */
async function tookOf(
  context: Parameters<Parameters<Awaited<ReturnType<typeof openPlace>>['withContext']>[0]>[0],
  file: string,
  moved: ReadonlyMap<string, number>,
): Promise<number[]> {
  let took: number[] = [];
  await until(
    'a call for everybody who moved',
    async () => {
      const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').slice(0, -1);
      const times = new Map(
        lines.map((line) => [line.slice(0, line.indexOf(' ')), Number(line.split(' ')[1])]),
      );
      const { rows } = await context.pool.query<{ delivery: string; citizen: string }>(
        'SELECT d.id AS delivery, n.citizen_id AS citizen FROM notifications n JOIN deliveries d ON d.notification_id = n.id AND d.month = n.month',
      );
      const called = rows.filter(({ delivery, citizen }) => times.has(delivery) && moved.has(citizen));
      if (new Set(called.map(({ citizen }) => citizen)).size !== called.length)
        throw new Error('somebody was told twice');
      took = called.map(({ delivery, citizen }) => times.get(delivery)! - moved.get(citizen)!);
      return took.length === moved.size;
    },
    { everyMs: 1_000, timeoutMs: 120_000 },
  );
  return took;
}
