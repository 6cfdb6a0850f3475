/** What a process shows of itself, to whom, and that it costs and tells no more than it should. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../app/config.ts';
import { type Context, createContext } from '../../app/context.ts';
import { createMetrics, PREFIX } from '../../app/metrics.ts';
import { startRoles } from '../../app/start-roles.ts';
import { silentLogger } from '../../domain/logger.ts';
import { COUNTERS, HISTOGRAMS } from '../../domain/metrics.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

const TOKEN = 'mMnNoOpPqQrRsStTuUvVwWxXyYzZ0123456789';

let database: TestDatabase;
let dataDir: string;
let context: Context;

beforeAll(async () => {
  database = await createDatabase();
  dataDir = await mkdtemp(path.join(tmpdir(), 'allim-metrics-'));
  const config = loadConfig({
    DATABASE_URL: database.url,
    ALLIM_DATA: dataDir,
    ALLIM_PARTITIONS: '2',
    PORT: '0',
  });
  context = await createContext(config, { logger: silentLogger });
});
afterAll(async () => {
  await context.stop();
  await database.drop();
  await rm(dataDir, { recursive: true, force: true });
});

/** As Prometheus asks. */
function ask(url: string | null, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; text: string; type: string }>((resolve, reject) => {
    http
      .get(`${url}/metrics`, { headers, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            text: Buffer.concat(chunks).toString(),
            type: response.headers['content-type'] ?? '',
          }),
        );
      })
      .on('error', reject);
  });
}

describe('/metrics', () => {
  test('of a role without an API shows its process and pools, and not the whole installation', async () => {
    const running = await startRoles(context, ['workers']);
    const { status, text, type } = await ask(running.url);
    await running.stop();
    expect(status).toBe(200);
    expect(type).toContain('text/plain');
    expect(text).toMatch(/^process_cpu_seconds_total /m);
    expect(text).toMatch(/^allim_database_connections\{pool="ledger",state="idle"\} \d/m);
    expect(text).not.toContain('allim_backlog{');
  });

  test('of web shows lags, what is due, batches and quarantine', async () => {
    const running = await startRoles(context, ['rules', 'dispatcher', 'web']);
    await fetch(`${running.url}/api/v1/nowhere?citizen=c-1`);
    const { text } = await ask(running.url);
    await running.stop();
    expect(text).toMatch(/^allim_consumer_lag_records\{group="rules",topic="citizen-profiles"\} 0$/m);
    expect(text).toMatch(/^allim_backlog\{at="deliveries"\} 0$/m);
    expect(text).toMatch(/^allim_quarantine_open 0$/m);
    expect(text).toMatch(/^allim_population_citizens 0$/m);
    expect(text).toMatch(/^allim_http_request_seconds_count\{method="any",route="none",status="404"\} 1$/m);
    expect(text).not.toContain('c-1');
    for (const name of Object.keys(COUNTERS)) expect(text).toContain(`# TYPE ${PREFIX}${name}_total counter`);
    for (const name of Object.keys(HISTOGRAMS)) expect(text).toContain(`# TYPE ${PREFIX}${name} histogram`);
  });

  test('is for this machine where no token is set, but not through a proxy on it', async () => {
    const running = await startRoles(context, ['workers']);
    const { adminToken } = context.secrets;
    expect((await ask(running.url, { 'x-forwarded-for': '127.0.0.1' })).status).toBe(401);
    expect((await ask(running.url, { authorization: 'Bearer nonsense' })).status).toBe(401);
    expect((await ask(running.url, { authorization: `Bearer ${adminToken}` })).status).toBe(200);
    await running.stop();
  });

  test('is for nobody without the token where one is set', async () => {
    const config = { ...context.config, metricsToken: TOKEN };
    const running = await startRoles({ ...context, config }, ['workers']);
    expect((await ask(running.url)).status).toBe(401);
    const forwarded = { authorization: `Bearer ${TOKEN}`, 'x-forwarded-for': '192.0.2.7' };
    expect((await ask(running.url, forwarded)).status).toBe(200);
    await running.stop();
  });
});

test('everything that is counted stands in docs/operations.md', () => {
  const told = readFileSync(path.join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
  const names = [...Object.keys(COUNTERS).map((name) => `${name}_total`), ...Object.keys(HISTOGRAMS)];
  expect(names.filter((name) => !told.includes(`\`${PREFIX}${name}`))).toEqual([]);
});

test('what is counted is shown, with its labels and nothing else', async () => {
  const metrics = createMetrics();
  metrics.add('deliveries_planned', { channel: 'sms', lane: 'bulk' }, 3);
  metrics.add('deliveries_planned', { channel: 'sms', lane: 'bulk' });
  metrics.add('events', { outcome: 'quarantined' }, 0);
  metrics.observe('provider_call_seconds', { channel: 'sms', outcome: 'accepted' }, 0.03);
  const { text } = await metrics.render();
  expect(text).toMatch(/^allim_deliveries_planned_total\{channel="sms",lane="bulk"\} 4$/m);
  expect(text).not.toContain('outcome="quarantined"');
  expect(text).toMatch(
    /^allim_provider_call_seconds_bucket\{le="0.05",channel="sms",outcome="accepted"\} 1$/m,
  );
});

test('a gauge that cannot be read leaves the others standing', async () => {
  const metrics = createMetrics();
  metrics.watch('backlog', 'x', [], () => Promise.reject(new Error('no database')));
  metrics.watch('quarantine_open', 'x', [], () => [{ value: 2 }]);
  const { text } = await metrics.render();
  expect(text).not.toMatch(/^allim_backlog /m);
  expect(text).toMatch(/^allim_quarantine_open 2$/m);
});
