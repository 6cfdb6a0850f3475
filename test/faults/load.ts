/**
 * Load instead of damage: much at once, much of somebody else's, much that has lain for days; and a database that comes back with yesterday's
 * data. What is sent for the load itself belongs to an agency in trial, so it passes through everything and ends in the outbox: at the
 * sinks it would be nobody's notice.
 */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Fault, ProcessName, Stage } from './fault.ts';
import { within } from './outage.ts';
import { kcat } from './produce.ts';

const TOPIC = 'agency-events';
const STRUCTURED = 'content-type=application/cloudevents+json';
const DAY_MS = 86_400_000;
const WITHIN_MS = 120_000;

let told = 0;
/** Names that no other run of a fault in this installation has. */
const fresh = (stage: Stage, what: string) => `load-${what}-${Math.floor(stage.random() * 1e9)}-${told++}`;

async function until(what: string, look: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  while (!(await look().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`${what} did not come within ${WITHIN_MS / 1000} s`);
    await delay(50);
  }
}

async function trial(stage: Stage, agency: string, on: boolean): Promise<void> {
  const { status } = await stage.api('PUT', `/api/v1/agencies/${agency}/trial`, { trial: on });
  if (status !== 200) throw new Error(`the trial of ${agency} could not be set: ${status}`);
}

/** People whom the round's notices reach too. */
async function people(stage: Stage, count: number): Promise<readonly string[]> {
  const rows = await stage.sql<{ id: string }>(
    `SELECT c.id FROM citizens c WHERE EXISTS (SELECT 1 FROM contact_points p WHERE p.citizen_id = c.id) ORDER BY c.id LIMIT $1`,
    [count],
  );
  return rows.map(({ id }) => id);
}

function line(
  event: Readonly<Record<string, unknown>> & { readonly subject?: string; readonly id: string },
): string {
  const whole = { specversion: '1.0', datacontenttype: 'application/json', ...event };
  return `${event.subject ?? event.id}\t${JSON.stringify(whole)}`;
}

/** How many of these events have all their deliveries behind them. */
async function ended(stage: Stage, prefix: string): Promise<number> {
  const [row] = await stage.sql<{ n: number }>(
    `SELECT count(DISTINCT e.id)::int AS n FROM events e JOIN notifications n ON n.event_id = e.id
     JOIN deliveries d ON d.notification_id = n.id AND d.month = n.month WHERE e.event_id LIKE $1 AND d.status = 'sent'`,
    [`${prefix}-%`],
  );
  return row?.n ?? 0;
}

const fine = (id: string, subject: string) =>
  line({
    id,
    source: '/knpa/fine',
    type: 'kr.knpa.fine.imposed',
    subject,
    allimobligation: `fine/${id}`,
    data: {
      offence: 'speeding',
      occurredOn: '2026-06-30',
      reducedAmount: 32_000,
      reducedUntil: '2099-07-31',
      fullAmount: 40_000,
      dueOn: '2099-08-31',
    },
  });

const dispatchers = (stage: Stage): readonly ProcessName[] => stage.processes.names('dispatcher');

/** Events that expired while they lay there. */
let expired = '';
let expiredCount = 0;

export const LOAD_FAULTS: readonly Fault[] = [
  {
    name: 'load-burst',
    group: 'load',
    does: 'three times the notices of a round at once',
    notices: 3,
    inflict: (stage) => stage.arrived(0.5),
  },
  {
    name: 'load-backlog',
    group: 'load',
    does: 'no dispatcher while the round comes in, among it events that expired days ago; then all of it is worked off',
    async prepare(stage) {
      for (const name of dispatchers(stage)) await stage.processes.stop(name);
    },
    async inflict(stage) {
      try {
        expired = fresh(stage, 'expired');
        const who = await people(stage, Math.max(50, Math.round(stage.notices / 10)));
        expiredCount = who.length;
        const ago = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString();
        const lines = who.map((subject, at) =>
          line({
            id: `${expired}-${at}`,
            source: '/nts/property-tax',
            type: 'kr.nts.property-tax.assessed',
            subject,
            allimobligation: `property-tax/${expired}-${at}`,
            time: ago(3),
            expirytime: ago(1),
            data: { amount: 999, dueOn: '2099-07-31' },
          }),
        );
        await kcat(stage.services.kafka.direct, TOPIC, STRUCTURED, lines);
        // Nobody reads: what is behind grows until all of the round lies there.
        let before = -1;
        await until('the backlog', async () => {
          await delay(1_000);
          const { body } = await stage.api('GET', '/api/v1/status');
          const { events } = (body as { backlog: { events: number } }).backlog;
          const still = events === before && events > 0;
          before = events;
          return still;
        });
        stage.say(`${before} events lie there`);
      } finally {
        for (const name of dispatchers(stage)) await stage.processes.start(name);
      }
      const startedAt = performance.now();
      await stage.arrived(1);
      stage.say(`worked off in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    },
    async judge(stage) {
      const [row] = await stage.sql<{ refused: number; planned: number }>(
        `SELECT (SELECT count(*) FROM quarantine WHERE code = 'event-expired' AND state = 'open')::int AS refused,
           (SELECT count(*) FROM notifications n JOIN events e ON e.id = n.event_id WHERE e.event_id LIKE $1)::int AS planned`,
        [`${expired}-%`],
      );
      return [
        ...((row?.planned ?? 0) > 0
          ? [`${row?.planned} notices were planned of events that had expired`]
          : []),
        ...((row?.refused ?? 0) < expiredCount
          ? [`${row?.refused} of ${expiredCount} expired events are shown in quarantine`]
          : []),
      ];
    },
  },
  {
    name: 'load-agency-floods',
    group: 'load',
    does: 'another agency sends three times as many events over the same topic, before and beside the round',
    async prepare(stage) {
      await trial(stage, 'knpa', true);
    },
    async inflict(stage) {
      const name = fresh(stage, 'flood');
      try {
        const who = await people(stage, 2_000);
        const count = 3 * stage.notices;
        await kcat(
          stage.services.kafka.direct,
          TOPIC,
          STRUCTURED,
          Array.from({ length: count }, (_, at) => fine(`${name}-${at}`, who[at % who.length]!)),
        );
        await stage.arrived(1);
        const done = await ended(stage, name);
        stage.say(`the round had arrived when ${done} of ${count} of the flood had`);
        await until('the end of the flood', async () => {
          const [row] = await stage.sql<{ n: number }>(
            `SELECT count(*)::int AS n FROM batches WHERE state <> 'ended' AND agency_id = 'knpa'`,
          );
          return row?.n === 0;
        });
      } finally {
        await trial(stage, 'knpa', false);
      }
    },
  },
  {
    name: 'load-urgent-beside',
    group: 'load',
    does: 'disaster warnings while broadcasts are planned and sent; each must be sent within ten seconds',
    alone: true,
    async prepare(stage) {
      await trial(stage, 'mois', true);
    },
    async inflict(stage) {
      try {
        const name = fresh(stage, 'warning');
        const late: number[] = [];
        for (let at = 0; at < 5; at++) {
          const id = `${name}-${at}`;
          const startedAt = performance.now();
          await kcat(stage.services.kafka.direct, TOPIC, STRUCTURED, [
            line({
              id,
              source: '/mois/disaster',
              type: 'kr.mois.disaster.warned',
              allimobligation: `disaster/${id}`,
              data: {
                warning: id,
                hazard: 'flood',
                level: 'warning',
                areas: ['36', '50'],
                areaName: { ko: '제주도', en: 'Jeju' },
              },
            }),
          ]);
          await until('a warning', async () => {
            const [row] = await stage.sql<{ done: boolean }>(
              `SELECT count(*) = 8 AND bool_and(f.state = 'complete')
                 AND NOT EXISTS (SELECT 1 FROM batches b WHERE b.agency_id = 'mois' AND b.state <> 'ended') AS done
               FROM fanouts f JOIN stage_runs r ON r.id = f.stage_run_id JOIN campaigns c ON c.id = r.campaign_id
               JOIN events e ON e.id = c.event_id WHERE e.event_id = $1`,
              [id],
            );
            return row?.done === true;
          });
          late.push(performance.now() - startedAt);
        }
        stage.say(`warnings were sent within ${late.map((ms) => (ms / 1000).toFixed(1)).join(', ')} s`);
        const worst = Math.max(...late);
        if (worst > 10_000) throw new Error(`a warning took ${(worst / 1000).toFixed(1)} s`);
      } finally {
        await trial(stage, 'mois', false);
      }
    },
  },
  {
    name: 'load-restore',
    group: 'load',
    does: 'everything dies, and Postgres comes back with the files of a while ago; a person has the rest sent again',
    doubles: true,
    async inflict(stage) {
      const { postgres } = stage.services;
      const cluster = path.join(postgres.dataDir, 'cluster');
      const backup = path.join(postgres.dataDir, 'backup');
      const copy = (from: string, to: string) => promisify(execFile)('cp', ['-a', from, to]);
      const all = stage.processes.names();
      try {
        await stage.arrived(within(stage, 0.05, 0.2));
        await postgres.kill();
        await copy(cluster, backup);
        await postgres.start();
        await stage.arrived(within(stage, 0.5, 0.8));
        for (const name of all) await stage.processes.kill(name);
        await postgres.kill();
        await rm(cluster, { recursive: true });
        await copy(backup, cluster);
      } finally {
        await postgres.start();
        for (const name of all) await stage.processes.start(name);
        await rm(backup, { recursive: true, force: true });
      }
      type State = { restore: { eventsBehind: number; unplanned: number; undecided: unknown[] } | null };
      const read = async () => (await stage.api('GET', '/api/v1/restore')).body as State;
      const before = await stage.count();
      if ((await read()).restore === null) throw new Error('the restore was not noticed');
      await until('everything read again', async () => {
        const { restore } = await read();
        return restore !== null && restore.eventsBehind + restore.unplanned === 0;
      });
      if ((await stage.count()) > before) throw new Error('something was sent before a person had decided');
      stage.say(`undecided: ${JSON.stringify((await read()).restore?.undecided)}`);
      await until('the decision', async () => {
        const { body } = await stage.api('POST', '/api/v1/restore/decisions', { decision: 'resend' });
        return (body as { closed?: boolean }).closed === true;
      });
    },
  },
];
