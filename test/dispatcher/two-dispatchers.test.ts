/**
 * Two dispatchers, whole, at everything at once: events of every kind, pages, batches, retries, next channels, links, rules published
 * anew, maintenance. And one that died between its commit and its questions. Waiting times go five times as fast.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createRulesStore } from '../../app/rules-store.ts';
import type { Broker } from '../../broker/broker.ts';
import { createEmbeddedBroker } from '../../broker/embedded.ts';
import { type Logger, silentLogger } from '../../domain/logger.ts';
import { setPace } from '../../domain/pace.ts';
import { TOPICS } from '../../domain/records.ts';
import type { Rule } from '../../domain/rule.ts';
import { transaction } from '../../domain/sql.ts';
import { subjectKeyHash } from '../../domain/subject-key.ts';
import { shippedFields } from '../../rules/catalogue.ts';
import { createShardServer, type ShardServer } from '../../rules/run/shard-server.ts';
import { approveRule, publishRule, saveRuleDraft } from '../../store/catalogue.ts';
import { saveIdentityLinks } from '../../store/identity-links.ts';
import { createPool } from '../../store/postgres.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Installation,
  install,
  paidEvent,
  START,
  taxEvent,
  windowEvent,
} from '../support/installation.ts';

const PACE = 0.2;
const PEOPLE = 120;
let it: Installation;
let shards: ShardServer;
let moved = 0;
/** Unlike the installation's own it goes on, as a process's does. */
const clock = { nowMs: () => START + moved + Math.round(performance.now()) };
const warnings: string[] = [];
const logger: Logger = {
  ...silentLogger,
  warn: (fields: object, message?: string) => void warnings.push(`${message} ${JSON.stringify(fields)}`),
  error: (fields: object, message?: string) => void warnings.push(`${message} ${JSON.stringify(fields)}`),
};
const stops: (() => Promise<unknown>)[] = [];

/** The next question that any dispatcher appends never gets there, as if it had been killed before. */
let hanging: { readonly reached: () => void; readonly released: Promise<void> } | undefined;
function hang() {
  const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  hanging = { reached: reached.resolve, released: released.promise };
  return { reached: reached.promise, release: released.resolve };
}

/** A dispatcher as a process has one, with a member of its own in every group. */
async function startDispatcher(): Promise<void> {
  const { createDispatcher } = await import('../../dispatcher/dispatcher.ts');
  const pool = createPool({ url: it.database.url, max: 20, applicationName: 'dispatcher', logger });
  const log = createEmbeddedBroker({ pool, logger });
  await log.start();
  const broker: Broker = {
    ...log,
    async append(topic, records) {
      const here = hanging;
      if (here === undefined || !topic.startsWith('match-requests')) return log.append(topic, records);
      hanging = undefined;
      here.reached();
      await here.released;
      throw new Error('killed');
    },
  };
  const dispatcher = createDispatcher({
    ...it,
    pool,
    broker,
    clock,
    logger,
    chance: Math.random,
    repeats: {
      push: it.providers.push.repeats,
      email: it.providers.email.repeats,
      sms: it.providers.sms.repeats,
    },
    webhooks: { allowLoopback: true },
    createAgencyTopics: null,
    keepMonths: 14,
  });
  await dispatcher.start();
  stops.push(async () => {
    await dispatcher.stop();
    await log.stop();
    await pool.end();
  });
}

beforeAll(async () => {
  setPace(PACE);
  it = await install({ partitions: 4 });
  await it.broker.start();
  shards = createShardServer({
    broker: it.broker,
    store: createRulesStore({ ...it, clock }),
    clock,
    logger,
    fields: shippedFields(),
  });
  await shards.start();
  stops.push(() => shards.stop());
  await startDispatcher();
  await startDispatcher();
});
afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
  await it.close();
  setPace(1);
});

/** Nothing is asked, ready, queued, due or waiting for a retry. */
async function settled(): Promise<boolean> {
  await it.deliver();
  const [left] = await it.rows<{ n: number }>(
    `SELECT (SELECT count(*) FROM fanouts WHERE state = 'asked') + (SELECT count(*) FROM batches WHERE state <> 'ended') + (SELECT count(*) FROM waiting)
       + (SELECT count(*) FROM unresolved) + (SELECT count(*) FROM schedules WHERE due_at <= $1)
       + (SELECT (sum(p.next) - coalesce(sum(o.position), 0))::int FROM log_partitions p JOIN log_topics t ON t.id = p.topic_id
          LEFT JOIN consumer_offsets o ON o.topic = t.topic AND o.partition = p.partition WHERE t.topic <> $2) AS n`,
    [new Date(clock.nowMs()), TOPICS.profiles],
  );
  return left?.n === 0;
}

async function republish(id: string): Promise<void> {
  const { definition } = (
    await it.rows<{ definition: Rule }>(
      `SELECT definition FROM rule_versions WHERE rule_id = $1 ORDER BY version DESC LIMIT 1`,
      [id],
    )
  )[0]!;
  const hash = `${id}-${Math.round(performance.now())}`;
  const { version } = await saveRuleDraft(it.pool, definition, hash, 'author');
  await approveRule(it.pool, id, version, hash, 'approver');
  await publishRule(it.pool, id, version);
}

test('two share everything and nobody is told twice, passed over, or locked out', async () => {
  const people = Array.from({ length: PEOPLE }, (_, i) => `t-${String(i).padStart(3, '0')}`);
  for (const [i, id] of people.entries())
    await it.citizen({
      id,
      sms: `+8210${50_000_000 + i}`,
      ...(i % 3 === 0 ? { email: `${id}@example.kr` } : {}),
      profile: {},
    });
  // Every fourth text message is refused at first; mail to every second is refused for good, and the notice goes on by SMS.
  it.providers.sms.answer = ({ address, attempt }) =>
    Number(address.slice(-1)) % 4 === 0 && attempt === 1
      ? { kind: 'temporary', code: 'busy' }
      : { kind: 'accepted', reference: null };
  it.providers.email.answer = ({ address }) =>
    /[02468]@/.test(address)
      ? { kind: 'permanent', code: 'no-such-user' }
      : { kind: 'accepted', reference: null };

  const events = [
    ...people.map((subject) =>
      taxEvent({ id: `tax-${subject}`, subject, allimobligation: `property-tax/${subject}` }),
    ),
    // Again, and under a key of the agency's that nobody has linked yet.
    ...people
      .slice(0, 40)
      .map((subject) =>
        taxEvent({ id: `tax-${subject}`, subject, allimobligation: `property-tax/${subject}` }),
      ),
    ...people.slice(0, 20).map((subject) =>
      taxEvent({
        id: `linked-${subject}`,
        allimsubjectkey: `key-${subject}`,
        allimobligation: `property-tax/linked-${subject}`,
      }),
    ),
    ...people
      .slice(100)
      .map((subject) =>
        paidEvent({ id: `paid-${subject}`, subject, allimobligation: `property-tax/${subject}` }),
      ),
  ];
  await Promise.all([
    it.publish(windowEvent({ id: 'wide' })),
    ...Array.from({ length: 8 }, (_, i) => it.publish(...events.filter((_event, at) => at % 8 === i))),
  ]);
  await Promise.all([
    republish('nts-property-tax'),
    transaction(it.pool, (sql) =>
      saveIdentityLinks(
        sql,
        'nts',
        people.slice(0, 20).map((subject) => ({
          keyHash: subjectKeyHash(it.sealer, 'nts', `key-${subject}`),
          citizen: subject,
        })),
      ),
    ),
    it.publish(windowEvent({ id: 'wider', sequence: '2', data: { closesOn: '2026-11-30' } })),
  ]);
  await eventually(
    async () => {
      // Retries fall due.
      moved += 60_000;
      it.at(60_000);
      return settled();
    },
    { timeoutMs: 40_000, everyMs: 100 },
  );

  expect(warnings.filter((line) => /deadlock|40P01/.test(line))).toEqual([]);
  expect(await it.audit()).toEqual([]);
  // Of every obligation, at most one notice of a stage and version went out to one person, and on one channel.
  expect(
    await it.rows(`SELECT n.obligation_id FROM notifications n JOIN deliveries d ON d.notification_id = n.id WHERE d.status = 'sent'
      GROUP BY n.obligation_id, n.stage_kind, n.version, n.recipient_id HAVING count(*) > 1`),
  ).toEqual([]);
  const told = await it.rows<{ kind: string; people: number; notices: number }>(
    `SELECT o.kind, count(DISTINCT n.recipient_id) AS people, count(*) AS notices FROM notifications n JOIN obligations o ON o.id = n.obligation_id
     JOIN deliveries d ON d.notification_id = n.id WHERE d.status = 'sent' AND (o.kind <> 'checkup' OR n.version = o.version) AND o.ref NOT LIKE 't-1%' GROUP BY 1 ORDER BY 1`,
  );
  // All are told of the check-up as it is now; 100 of their tax, and 20 of those of a second one.
  expect(told).toEqual([
    { kind: 'checkup', people: PEOPLE, notices: PEOPLE },
    { kind: 'property-tax', people: 100, notices: 120 },
  ]);
  // Both were at work: each held partitions of the events.
  expect(
    await it.rows(`SELECT count(DISTINCT member) AS n FROM log_leases WHERE topic = $1`, [TOPICS.events]),
  ).toEqual([{ n: 2 }]);
}, 60_000);

test('what one left that died before it asked the shards is asked by the other within ten seconds', async () => {
  await it.citizen({ id: 'left', sms: '+821059990000', profile: {} });
  const died = hang();
  await it.publish(taxEvent({ id: 'left', subject: 'left', allimobligation: 'property-tax/left' }));
  await died.reached;
  const startedAt = performance.now();
  await eventually(async () => {
    await it.deliver();
    return it.sent().some(({ address }) => address === '+821059990000');
  });
  expect((performance.now() - startedAt) / PACE).toBeLessThan(10_000);
  died.release();
  await eventually(settled);
  expect(await it.told('left')).toEqual(['opened sms sent']);
}, 30_000);
