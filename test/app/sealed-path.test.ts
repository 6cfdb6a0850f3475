/** The whole path with values sealed on the log: the notice goes out, nothing of the citizen can be read on the way, and keys change. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadConfig } from '../../app/config.ts';
import { type Context, createContext } from '../../app/context.ts';
import { ROLES } from '../../app/roles.ts';
import { startRoles } from '../../app/start-roles.ts';
import { silentLogger } from '../../domain/logger.ts';
import { readSimulatedSends } from '../../store/simulated-sends.ts';
import { eventually } from '../support/eventually.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

const keys = [1, 2].map((first) =>
  Buffer.from(Array.from({ length: 32 }, (_, i) => first + i)).toString('hex'),
);

let database: TestDatabase;
let dataDir: string;

beforeAll(async () => {
  database = await createDatabase({ seeded: true });
  dataDir = await mkdtemp(path.join(tmpdir(), 'allim-sealed-'));
});
afterAll(async () => {
  await database.drop();
  await rm(dataDir, { recursive: true, force: true });
});

async function withInstallation(
  settings: Record<string, string>,
  work: (
    context: Context,
    send: (method: string, where: string, body: unknown) => Promise<void>,
  ) => Promise<void>,
): Promise<void> {
  const config = loadConfig({
    DATABASE_URL: database.url,
    ALLIM_DATA: dataDir,
    ALLIM_PARTITIONS: '2',
    PORT: '0',
    ALLIM_SEAL: 'on',
    ...settings,
  });
  const context = await createContext(config, { logger: silentLogger });
  try {
    const running = await startRoles(context, ROLES);
    try {
      await work(context, async (method, where, body) => {
        const answer = await fetch(`${running.url}/api/v1/${where}`, {
          method,
          headers: {
            authorization: `Bearer ${context.secrets.adminToken}`,
            'content-type': where === 'events' ? 'application/cloudevents+json' : 'application/json',
          },
          body: JSON.stringify(body),
        });
        expect(answer.ok).toBe(true);
      });
    } finally {
      await running.stop();
    }
  } finally {
    await context.stop();
  }
}

const tax = (id: string) => ({
  specversion: '1.0',
  id,
  source: '/nts/property-tax',
  type: 'kr.nts.property-tax.assessed',
  subject: 'c-sealed',
  allimobligation: `property-tax/${id}`,
  data: { amount: 132_000, dueOn: Temporal.Now.plainDateISO('Asia/Seoul').add({ months: 2 }).toString() },
});

async function sentTo({ pool, sealer }: Context): Promise<string[]> {
  const sent: string[] = [];
  for await (const rows of readSimulatedSends(pool, sealer)) for (const row of rows) sent.push(row.address);
  return sent;
}

/** Everything of a topic as it lies there. */
async function stored(topic: string): Promise<{ text: string; headers: string }[]> {
  const { rows } = await database.pool.query<{ text: string; headers: string }>(
    `SELECT encode(coalesce(r.value, ''), 'escape') AS text, r.headers::text AS headers
     FROM log_records r JOIN log_topics t ON t.id = r.topic_id WHERE t.topic LIKE $1`,
    [topic],
  );
  return rows;
}

test('a notice goes out and is counted, and nothing of the citizen can be read in the log', async () => {
  await withInstallation({ ALLIM_ENCRYPTION_KEY: keys[0]! }, async (context, send) => {
    await send('PUT', 'citizens/c-sealed', {
      attributes: { birthDate: '1980-05-05', sido: '11' },
      contactPoints: [{ channel: 'sms', address: '+821000001234', verified: true }],
    });
    await send('POST', 'events', tax('first'));
    await eventually(async () => expect(await sentTo(context)).toEqual(['+821000001234']));
    for (const topic of ['citizen-profiles', 'match-requests.%', 'audiences.%']) {
      const records = await stored(topic);
      expect(records.length).toBeGreaterThan(0);
      for (const { text, headers } of records) {
        expect(text).not.toMatch(/birthDate|c-sealed|fanout/);
        expect(headers).toContain(context.sealer.keyId);
      }
    }
    expect((await stored('agency-events'))[0]?.text).toContain('132000');
    const { text } = await context.metrics.render();
    for (const line of [
      'allim_events_total{outcome="accepted"} 1',
      'allim_matches_total{lane="urgent",reach="certain"} 1',
      'allim_deliveries_planned_total{channel="sms",lane="urgent"} 1',
      'allim_provider_call_seconds_count{channel="sms",outcome="accepted"} 1',
      'allim_event_to_provider_seconds_count{channel="sms",lane="urgent"} 1',
      'allim_event_to_provider_seconds_bucket{le="20",channel="sms",lane="urgent"} 1',
    ])
      expect(text).toContain(line);
    expect(text).not.toMatch(/c-sealed|821000001234/);
  });
});

test('under a new key the profile and the address of the old one are still read', async () => {
  await withInstallation(
    { ALLIM_ENCRYPTION_KEY: keys[1]!, ALLIM_ENCRYPTION_KEYS_OLD: keys[0]! },
    async (context, send) => {
      await send('POST', 'events', tax('second'));
      await eventually(async () => expect(await sentTo(context)).toEqual(['+821000001234', '+821000001234']));
    },
  );
});
