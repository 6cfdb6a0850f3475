/**
 * What push services, mail servers and text message centres do to their callers, and what of ours may be poison. With `--sms gateway` the
 * text messages of every fault here go over HTTP instead of SMPP.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { dayOf } from '../../domain/clock.ts';
import type { FailurePlan } from '../sinks/sink.ts';
import type { Channel, Fault, Stage } from './fault.ts';
import { kcat } from './produce.ts';

const CHANNELS: readonly Channel[] = ['push', 'email', 'sms'];
type Plans = Readonly<Partial<Record<Channel, FailurePlan>>>;

const everywhere = (plan: FailurePlan): Plans => ({ push: plan, email: plan, sms: plan });

async function failing(stage: Stage, plans: Plans, during: () => Promise<unknown>): Promise<void> {
  for (const channel of CHANNELS) if (plans[channel] !== undefined) stage.sinks.fail(channel, plans[channel]);
  try {
    await during();
  } finally {
    for (const channel of CHANNELS) stage.sinks.fail(channel, null);
  }
}

/** Workers with more in their environment while it lasts. */
async function withWorkers(
  stage: Stage,
  env: Readonly<Record<string, string>>,
  during: () => Promise<unknown>,
): Promise<void> {
  const names = stage.processes.names('workers');
  const restart = (more: Readonly<Record<string, string>>) =>
    Promise.all(
      names.map(async (name) => {
        if (stage.processes.isUp(name)) await stage.processes.stop(name);
        await stage.processes.start(name, more);
      }),
    );
  await restart(env);
  try {
    await during();
  } finally {
    await restart({});
  }
}

const some = (stage: Stage, least = 0.1) => stage.arrived(least + stage.random() * 0.2);

function fails(
  name: string,
  does: string,
  plans: Plans,
  more: Partial<Fault> & { readonly forMs: number },
): Fault {
  const { forMs, ...rest } = more;
  return {
    name,
    group: 'providers',
    does,
    ...rest,
    async inflict(stage) {
      await some(stage);
      await failing(stage, plans, () => stage.pause(forMs));
    },
  };
}

/** A server whose certificate nobody vouches for. */
async function serveUntrusted(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'allim-certificate-'));
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  const made = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '1',
  ];
  await promisify(execFile)('openssl', [
    ...made,
    '-subj',
    '/CN=elsewhere.example',
    '-keyout',
    key,
    '-out',
    cert,
  ]);
  const heard: number[] = [];
  const sockets = new Set<TLSSocket>();
  const server = createServer({ key: await readFile(key), cert: await readFile(cert) }, (socket) => {
    sockets.add(socket.on('error', () => {}));
    // Whoever says anything has trusted it.
    socket.on('data', () => heard.push(1));
  });
  server.on('tlsClientError', () => {});
  await rm(folder, { recursive: true });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as { port: number }).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
      if (heard.length > 0) throw new Error('something was said to a server that nobody vouches for');
    },
  };
}

const POISONED = 3;
const poisoned = Array.from({ length: POISONED }, (_, n) => `poison-${n}`);

/** Known, of no age that a window concerns, and with a template of theirs that names what is not there. */
async function preparePoison(stage: Stage): Promise<void> {
  for (const [n, id] of poisoned.entries()) {
    const { status } = await stage.api('PUT', `/api/v1/citizens/${id}`, {
      attributes: { birthDate: '2020-03-02', sido: '11', sigungu: '11680', insurance: 'regional' },
      contactPoints: [{ channel: 'email', address: `${id}-${n}@mail.example.kr`, verified: true }],
    });
    if (status !== 200) throw new Error(`PUT of a citizen was answered ${status}`);
  }
  await stage.sql(`INSERT INTO template_versions (name, hash, definition)
    SELECT name, 'poison', jsonb_set(definition, '{files}', (SELECT jsonb_object_agg(file, CASE WHEN file LIKE '%.hbs' THEN to_jsonb('{{event.nothing.there}}'::text) ELSE text END)
      FROM jsonb_each(definition->'files') f(file, text))) FROM template_versions v
    WHERE id = (SELECT live_id FROM templates WHERE name = 'property-tax-assessed')
    ON CONFLICT DO NOTHING`);
  await stage.sql(`CREATE OR REPLACE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.template_id := (SELECT max(id) FROM template_versions WHERE hash = 'poison'); RETURN NEW; END $$`);
  await stage.sql(`CREATE OR REPLACE TRIGGER poison BEFORE INSERT ON notifications FOR EACH ROW
    WHEN (NEW.recipient_id LIKE 'poison-%') EXECUTE FUNCTION poison()`);
}

/** It takes the locks of every month in an order of its own, and may meet a planner that has some of them. */
async function takePoisonOut(stage: Stage): Promise<void> {
  for (let left = 10; ; left--) {
    try {
      await stage.sql('DROP TRIGGER IF EXISTS poison ON notifications');
      return;
    } catch (error) {
      if ((error as { code?: unknown }).code !== '40P01' || left === 0) throw error;
      await delay(50);
    }
  }
}

const POISON_LEFT = `SELECT n.recipient_id AS id, d.status::text AS status, d.code FROM notifications n
  JOIN deliveries d ON d.notification_id = n.id AND d.month = n.month WHERE n.recipient_id LIKE 'poison-%' ORDER BY 1`;

const refused = new WeakMap<Stage, number>();

export const PROVIDER_FAULTS: readonly Fault[] = [
  {
    name: 'providers-refuse',
    group: 'providers',
    does: 'every provider refuses connections and resets those that stand, for a minute',
    doubles: true,
    async inflict(stage) {
      await some(stage);
      for (const channel of CHANNELS) stage.proxies[channel].cut();
      await stage.pause(60_000);
      for (const channel of CHANNELS) stage.proxies[channel].mend();
    },
  },
  {
    name: 'providers-hang',
    group: 'providers',
    does: 'forty calls of every channel are never answered; their mails lose the connection in the end',
    doubles: true,
    async inflict(stage) {
      await some(stage);
      await failing(stage, everywhere({ kind: 'hang', times: 40 }), () => stage.pause(30_000));
      stage.proxies.email.cut();
      stage.proxies.email.mend();
    },
  },
  fails(
    'providers-cut',
    'twenty messages of every channel are accepted and the connection is cut before the answer',
    everywhere({ kind: 'cut', times: 20 }),
    { forMs: 20_000, doubles: true },
  ),
  fails(
    'providers-throttle',
    'every provider says slow down, over HTTP with Retry-After in seconds, for half a minute',
    everywhere({ kind: 'throttle', retryAfter: '2' }),
    { forMs: 30_000 },
  ),
  fails(
    'providers-throttle-until',
    'the same, with Retry-After as a date',
    everywhere({ kind: 'throttle', retryAfter: 'date' }),
    { forMs: 30_000 },
  ),
  {
    name: 'providers-out-of-order',
    group: 'providers',
    does: 'every provider answers 5xx, or what its protocol has for that, for ten minutes; the workers at a fifth of the pace of the others',
    doubles: true,
    notices: 0.5,
    async inflict(stage) {
      await some(stage);
      const pace = stage.pace / 5;
      await withWorkers(stage, { ALLIM_PACE: String(pace) }, async () => {
        const plans = { ...everywhere({ kind: 'broken' }), email: { kind: 'refuse' } } as const;
        await failing(stage, plans, () => delay(600_000 * pace));
        await stage.arrived(0.95);
      });
    },
  },
  {
    name: 'providers-untrusted',
    group: 'providers',
    does: 'mail server and SMS centre show a certificate that nobody vouches for, for half a minute',
    async unavailable() {
      return await promisify(execFile)('openssl', ['version']).then(
        () => undefined,
        () => 'no openssl to make a certificate with',
      );
    },
    async inflict(stage) {
      await some(stage);
      const server = await serveUntrusted();
      try {
        const env = {
          SMTP_URL: `smtps://127.0.0.1:${server.port}`,
          SMS_URL: `ssmpp://allim:secret@127.0.0.1:${server.port}`,
        };
        await withWorkers(stage, env, () => stage.pause(30_000));
      } finally {
        await server.close();
      }
    },
  },
  fails(
    'providers-answer-twice',
    'every answer comes twice, the second when the connection may be in use again',
    everywhere({ kind: 'twice', ms: 3 }),
    { forMs: 30_000, doubles: true },
  ),
  fails('providers-slow', 'every answer takes half a second', everywhere({ kind: 'slow', ms: 500 }), {
    forMs: 30_000,
    notices: 0.4,
  }),
  {
    name: 'half-the-addresses',
    group: 'providers',
    does: 'half of the addresses of every channel are refused for good',
    left: true,
    async inflict(stage) {
      // From the first call to the last: an address does not come back.
      await failing(stage, everywhere({ kind: 'permanent', share: 0.5 }), async () => {
        await stage.arrived(0.2);
        const refusals = `SELECT count(*)::int AS n FROM contact_points WHERE invalid_at IS NOT NULL`;
        const deadline = performance.now() + 120_000;
        let before = -1;
        for (;;) {
          const [row] = await stage.sql<{ n: number }>(refusals);
          const [open] = await stage.sql<{ n: number }>(
            `SELECT (SELECT count(*) FROM waiting)::int + (SELECT count(*) FROM batches WHERE state <> 'ended')::int AS n`,
          );
          if (row!.n > 0 && row!.n === before && open!.n === 0) break;
          if (performance.now() > deadline) throw new Error(`${open!.n} are open still`);
          before = row!.n;
          await delay(500);
        }
      });
    },
    async judge(stage) {
      const [row] = await stage.sql<{ n: number }>(
        `SELECT count(*)::int AS n FROM contact_points WHERE invalid_at IS NOT NULL`,
      );
      return row!.n > 0 ? [] : ['no address was refused'];
    },
  },
  {
    name: 'poison-citizen',
    group: 'providers',
    does: 'the template throws on three citizens among the others',
    notices: 0.4,
    prepare: preparePoison,
    async inflict(stage) {
      try {
        await stage.arrived(0.2);
        const dueOn = dayOf(Date.now() + 200 * 86_400_000);
        const events = poisoned.map((id, n) => ({
          specversion: '1.0',
          id: `poison-${n}-${Date.now()}`,
          source: '/nts/property-tax',
          type: 'kr.nts.property-tax.assessed',
          subject: id,
          allimobligation: `property-tax/poison-${n}-${Date.now()}`,
          datacontenttype: 'application/json',
          data: { amount: 7, dueOn },
        }));
        for (const event of events) {
          const { status } = await stage.api('POST', '/api/v1/events', event);
          if (status !== 202) throw new Error(`POST of an event was answered ${status}`);
        }
        const deadline = performance.now() + 90_000;
        for (;;) {
          const rows = await stage.sql<{ status: string }>(POISON_LEFT);
          const ended = rows.filter(({ status }) => status === 'failed-technical').length;
          if (rows.length >= POISONED && ended === rows.length) break;
          if (performance.now() > deadline) throw new Error(`poison: ${JSON.stringify(rows)}`);
          await delay(200);
        }
      } finally {
        await takePoisonOut(stage);
      }
    },
    async judge(stage) {
      const rows = await stage.sql<{ id: string; status: string; code: string }>(POISON_LEFT);
      const stops = await stage.sql<{ reason: string }>('SELECT reason FROM stops');
      return [
        ...rows
          .filter(({ status, code }) => status !== 'failed-technical' || !code.startsWith('template-'))
          .map(({ id, status, code }) => `${id} ended as ${status} ${code}`),
        ...stops.map(({ reason }) => `three poisoned citizens stopped something: ${reason}`),
      ];
    },
  },
  {
    name: 'ten-megabyte-event',
    group: 'providers',
    does: 'events of 10 MB over HTTP and of 900 KB on Kafka among the others',
    notices: 0.4,
    async inflict(stage) {
      await stage.arrived(0.1);
      const event = (id: string, bytes: number) =>
        JSON.stringify({
          specversion: '1.0',
          id,
          source: '/nts/property-tax',
          type: 'kr.nts.property-tax.assessed',
          subject: 'poison-0',
          allimobligation: `property-tax/${id}`,
          datacontenttype: 'application/json',
          data: { amount: 7, dueOn: '2099-12-31', note: 'x'.repeat(bytes) },
        });
      const { status } = await stage.api(
        'POST',
        '/api/v1/events',
        JSON.parse(event('large-http', 10_000_000)),
      );
      refused.set(stage, status);
      const lines = [`poison-0\t${event(`large-kafka-${Date.now()}`, 900_000)}`];
      await kcat(
        stage.services.kafka.direct,
        'agency-events',
        'content-type=application/cloudevents+json',
        lines,
      );
      await stage.arrived(0.9);
    },
    async judge(stage) {
      const wrong: string[] = [];
      if (refused.get(stage) !== 413) wrong.push(`10 MB over HTTP were answered ${refused.get(stage)}`);
      const rows = await stage.sql<{ id: string }>(
        `SELECT id FROM quarantine WHERE state = 'open' AND code = 'payload-too-large'`,
      );
      if (rows.length !== 1) wrong.push(`${rows.length} events lie in quarantine as too large, not one`);
      for (const { id } of rows) await stage.api('POST', `/api/v1/quarantine/${id}/drop`);
      return wrong;
    },
  },
];
