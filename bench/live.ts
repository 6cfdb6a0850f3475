/**
 * `live`: how long until citizens see what happens. A notice that is planned, until its page has come to a browser whose inbox is open (the
 * stream said so, the page was fetched as the client does), from the instant that the ledger keeps of the plan; and a preference, from the
 * press of the button to the answer, after which whatever comes is judged by it: an event follows every answer at once, and what is planned
 * against the choice is counted (`judged_wrong`, must be 0). `--samples N` (300) of each, `--rate N` (20) a second, `--readers N` (300) inboxes open.
 */
import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../app/context.ts';
import { TOPICS } from '../domain/records.ts';
import { openPlace } from './place.ts';
import { type Child, startRoles } from './processes.ts';
import {
  checkupEvent,
  citizenId,
  propertyTaxEvent,
  seedCatalogue,
  seedCitizens,
  seedProfiles,
} from './seed.ts';
import { nowMs, type Options, quantile, type Report, round, say, until } from './support.ts';
import { type SignedIn, signIn, startWeb, type Web } from './web-role.ts';

const CITIZENS = 20_000;

type Caller = (
  person: SignedIn,
  method: 'GET' | 'POST',
  path: string,
  form?: Readonly<Record<string, string>>,
) => Promise<{ status: number; text: string }>;

function caller(port: number): Caller {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  return (person, method, path, form) =>
    new Promise((resolve, reject) => {
      const body = form === undefined ? '' : new URLSearchParams({ _csrf: person.csrf, ...form }).toString();
      const headers = {
        cookie: person.cookie,
        ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      };
      const call = request({ agent, port, host: '127.0.0.1', method, path, headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
        );
      });
      call.on('error', reject);
      call.end(body);
    });
}

/** An open inbox: for every notice that the stream tells of, the page, and when it had come. Resolves once the stream is open. */
function openInbox(
  port: number,
  person: SignedIn,
  call: Caller,
  seen: Map<string, number>,
): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const stream = request(
      { port, host: '127.0.0.1', path: '/api/v1/me/live', headers: { cookie: person.cookie } },
      (answer: IncomingMessage) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
          for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
            const id = /^event: notice\ndata: \{"id":"([0-9a-f-]{36})"\}$/.exec(text.slice(0, end))?.[1];
            text = text.slice(end + 2);
            if (id === undefined) continue;
            void call(person, 'GET', '/me').then((page) => {
              if (page.text.includes(`n-${id}`)) seen.set(id, nowMs());
            });
          }
        });
        answer.on('error', () => {});
        resolve(() => stream.destroy());
      },
    );
    stream.on('error', reject);
    stream.end();
  });
}

const notices = async ({ pool }: Context, event: string) =>
  (
    await pool.query<{ id: string; planned: number; recipient: string; event: string }>(
      `SELECT n.id, date_part('epoch', n.created_at) * 1000 AS planned, n.recipient_id AS recipient, e.event_id AS event
       FROM notifications n JOIN events e ON e.id = n.event_id WHERE e.event_id LIKE $1`,
      [`${event}-%`],
    )
  ).rows;

async function arriving(
  context: Context,
  { port }: Web,
  people: readonly SignedIn[],
  { samples, rate }: { samples: number; rate: number },
): Promise<number[]> {
  const call = caller(port);
  const seen = new Map<string, number>();
  const closes = await Promise.all(people.map((person) => openInbox(port, person, call, seen)));
  for (const [name, count] of [
    ['warm', rate],
    ['live', samples],
  ] as const) {
    for (let at = 0; at < count; at++) {
      const subject = people[at % people.length]!.citizen;
      await context.broker.append(TOPICS.events, [propertyTaxEvent(`${name}-${at}`, subject)]);
      await delay(1_000 / rate);
    }
    await until(`the notices of ${name}`, async () => (await notices(context, name)).length >= count);
  }
  const planned = await notices(context, 'live');
  await until('the open inboxes', async () => planned.every(({ id }) => seen.has(id)));
  for (const close of closes) close();
  return planned.map(({ id, planned: at }) => seen.get(id)! - at);
}

/** Half of the people switch everyday matters off, the others, who had them off, on; an event about each follows at once. */
async function choosing(
  context: Context,
  { port }: Web,
  people: readonly SignedIn[],
): Promise<{ took: number[]; wrong: number }> {
  const call = caller(port);
  const set = async (person: SignedIn, on: 'service' | '') => {
    const { status } = await call(person, 'POST', '/me/choices/categories', on === '' ? {} : { on });
    if (status !== 303) throw new Error(`a choice was answered ${status}`);
  };
  const turnsOn = (at: number) => at % 2 === 1;
  for (const [at, person] of people.entries()) if (turnsOn(at)) await set(person, '');
  const took: number[] = [];
  for (const [at, person] of people.entries()) {
    const startedMs = nowMs();
    await set(person, turnsOn(at) ? 'service' : '');
    took.push(nowMs() - startedMs);
    await context.broker.append(TOPICS.events, [checkupEvent(`chosen-${at}`, { subject: person.citizen })]);
  }
  await context.broker.append(TOPICS.events, [
    checkupEvent('chosen-last', { subject: citizenId(CITIZENS - 1) }),
  ]);
  await until('what follows from the choices', async () => {
    const { rows } = await context.pool.query<{ open: number; events: number }>(
      `SELECT (SELECT count(*) FROM fanouts WHERE state = 'asked') AS open,
        (SELECT count(*) FROM events WHERE event_id LIKE 'chosen-%') AS events`,
    );
    return rows[0]!.open === 0 && rows[0]!.events === people.length + 1;
  });
  const told = new Set((await notices(context, 'chosen')).map(({ recipient }) => recipient));
  const wrong = people.filter(({ citizen }, at) => told.has(citizen) !== turnsOn(at)).length;
  return { took, wrong };
}

export async function live(options: Options): Promise<Report> {
  const samples = options.number('samples', 300);
  const rate = options.number('rate', 20);
  const readers = Math.min(options.number('readers', 300), CITIZENS / 2);
  const place = await openPlace({ services: true });
  const children: Child[] = [];
  let web: Web | undefined;
  try {
    return await place.withContext(async (context) => {
      say(`live: seeding ${CITIZENS} citizens`);
      await seedCatalogue(context);
      await seedCitizens(context, CITIZENS);
      await seedProfiles(context, CITIZENS);
      for (const role of ['rules', 'dispatcher', 'workers'])
        children.push(await startRoles([role], { env: place.env }));
      for (const child of children) await child.ask({ do: 'start' });
      const people = await signIn(context, readers + samples);
      web = await startWeb(place.env, undefined);
      say(`live: ${samples} notices to ${readers} open inboxes, ${rate} a second`);
      const arrived = await arriving(context, web, people.slice(0, readers), { samples, rate });
      say(`live: ${samples} choices, each followed by an event`);
      const chosen = await choosing(context, web, people.slice(readers));
      return {
        figures: {
          samples,
          planned_to_inbox_p50_ms: round(quantile(arrived, 0.5)),
          planned_to_inbox_p99_ms: round(quantile(arrived, 0.99)),
          choice_in_force_p50_ms: round(quantile(chosen.took, 0.5)),
          choice_in_force_p99_ms: round(quantile(chosen.took, 0.99)),
          judged_wrong: chosen.wrong,
        },
        baseline: {},
        ratio: {},
      };
    });
  } finally {
    await web?.stop();
    for (const child of children) await child.exit();
    await place.stop();
  }
}
