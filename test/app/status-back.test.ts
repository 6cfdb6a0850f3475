/** The whole way round with every role as it runs: an event over HTTP, a notice, and the agency told by webhook and on its topic. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadConfig } from '../../app/config.ts';
import { type Context, createContext } from '../../app/context.ts';
import { ROLES } from '../../app/roles.ts';
import { type Running, startRoles } from '../../app/start-roles.ts';
import { silentLogger } from '../../domain/logger.ts';
import { eventually } from '../support/eventually.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { startReceiver } from '../support/webhook-receiver.ts';

let database: TestDatabase;
let dataDir: string;
let context: Context;
let running: Running;
let receiver: Awaited<ReturnType<typeof startReceiver>>;

beforeAll(async () => {
  database = await createDatabase({ max: 30, seeded: true });
  dataDir = await mkdtemp(path.join(tmpdir(), 'allim-feedback-'));
  receiver = await startReceiver();
  const config = loadConfig({
    DATABASE_URL: database.url,
    ALLIM_DATA: dataDir,
    ALLIM_PARTITIONS: '2',
    ALLIM_WEBHOOK_LOOPBACK: 'true',
    PORT: '0',
  });
  context = await createContext(config, { logger: silentLogger });
  running = await startRoles(context, ROLES);
});
afterAll(async () => {
  await running.stop();
  await context.stop();
  await receiver.stop();
  await database.drop();
  await rm(dataDir, { recursive: true, force: true });
});

async function call<T>(method: string, where: string, body?: object): Promise<T> {
  const response = await fetch(`${running.url}${where}`, {
    method,
    headers: {
      authorization: `Bearer ${context.secrets.adminToken}`,
      ...(body === undefined
        ? {}
        : {
            'content-type': where.endsWith('/events') ? 'application/cloudevents+json' : 'application/json',
          }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${where}: ${response.status} ${text}`);
  return (text === '' ? null : JSON.parse(text)) as T;
}

test('an event comes back as a report, by webhook and on the topic', async () => {
  await call('PUT', '/api/v1/agencies/nts/status-topic');
  const made = await call<{ id: string; secret: string }>('POST', '/api/v1/webhooks', {
    agency: 'nts',
    url: receiver.url,
  });
  receiver.secrets.push(made.secret);
  await eventually(
    async () => (await call<{ state: string }>('GET', `/api/v1/webhooks/${made.id}`)).state === 'active',
  );
  await call('PUT', '/api/v1/citizens/c-me', {
    attributes: { birthDate: '1980-05-05', sido: '11' },
    contactPoints: [{ channel: 'sms', address: '+821000001234', verified: true }],
  });
  await call('POST', '/api/v1/events', {
    specversion: '1.0',
    id: 'first',
    source: '/nts/property-tax',
    type: 'kr.nts.property-tax.assessed',
    subject: 'c-me',
    allimobligation: 'property-tax/first',
    data: { amount: 132_000, dueOn: '2099-12-31' },
  });
  await eventually(() => receiver.calls.length === 2);
  const [, told] = receiver.calls;
  expect(told).toMatchObject({
    type: 'notification.status',
    signedBy: [0],
    data: {
      agency: 'nts',
      reports: [
        {
          event: { source: '/nts/property-tax', id: 'first' },
          citizen: 'c-me',
          obligation: 'property-tax/first',
          stage: 'opened',
          channel: 'sms',
          status: 'delivered',
          evidence: 'accepted',
        },
      ],
    },
  });
  const ends = await context.broker.ends('notification-status.nts');
  expect(ends.reduce((sum, end) => sum + end, 0)).toBe(1);
  await eventually(async () => (await call<{ idle: boolean }>('GET', '/api/v1/status')).idle);
}, 30_000);
