/**
 * What waits for staff when the week of the demonstration is over: a change to a rule that a colleague has to approve, and a record that could
 * not be read. Both come the way they would in earnest, the change through the API in the name of its author, the record on the event log.
 */
import type { Broker } from '../broker/broker.ts';
import { type Clock, dayOf } from '../domain/clock.ts';
import type { Logger } from '../domain/logger.ts';
import { TOPICS } from '../domain/records.ts';
import type { Sealer } from '../domain/sealing.ts';
import type { SqlPool } from '../domain/sql.ts';
import { STAFF_ACCOUNTS } from '../web/sign-in/bundled-accounts.ts';
import { sessionCookie } from '../web/sign-in/cookies.ts';
import { CSRF_HEADER } from '../web/sign-in/csrf.ts';
import { createSessions } from '../web/sign-in/sessions.ts';
import { demonstrationCast } from './demonstration-cast.ts';

export type DeskParts = {
  readonly pool: SqlPool;
  readonly broker: Broker;
  readonly clock: Clock;
  readonly sealer: Sealer;
  readonly logger: Logger;
  /** Where the API is, without a slash at the end. */
  readonly url: string;
  /** Whether it is reached over https. */
  readonly secure: boolean;
};

const MARK = 'demonstration-desk';
const AUTHOR = 'nhis-author';
const RULE = 'nhis-breast-screening';
const NOTE = '12월에 예약이 몰립니다. 끝나기 14일 전에 한 번 더 알립니다.';
const READ_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 100;

type Stage = { readonly kind: string };
type RuleJson = { readonly stages: readonly Stage[]; readonly templates: Readonly<Record<string, string>> };

/** Once a data folder: what people make of it since is theirs. Returns at once where it was done. */
export async function layOnDesks(parts: DeskParts): Promise<void> {
  const { rowCount } = await parts.pool.query('SELECT 1 FROM settings WHERE name = $1', [MARK]);
  if (rowCount === 1) return;
  await askForApproval(parts);
  await sendUnreadable(parts);
  await parts.pool.query(`INSERT INTO settings (name, value) VALUES ($1, 'true') ON CONFLICT DO NOTHING`, [
    MARK,
  ]);
}

/** The screening rule with one reminder more. */
async function askForApproval(parts: DeskParts): Promise<void> {
  await asAuthor(parts, async (call) => {
    const { versions } = await call<{ versions: readonly { version: number; state: string }[] }>(
      'GET',
      `/api/v1/rules/${RULE}`,
    );
    const live = versions.find(({ state }) => state === 'live');
    // Somebody has worked on it already, or there is no such rule.
    if (live === undefined || versions.length > 1) return;
    const at = `/api/v1/rules/${RULE}/versions`;
    const { rule } = await call<{ rule: RuleJson }>('GET', `${at}/${live.version}`);
    const draft = await call<{ version: number; hash: string }>('POST', '/api/v1/rules', withReminder(rule));
    await call('POST', `${at}/${draft.version}/request`, {
      hash: draft.hash,
      note: NOTE,
    });
  });
}

function withReminder(rule: RuleJson): RuleJson {
  const last = rule.stages.at(-1)!;
  const stage = { kind: 'd14', anchor: 'deadline', offset: '-P14D', time: '09:00' };
  return {
    ...rule,
    stages: [...rule.stages.slice(0, -1), stage, last],
    templates: { ...rule.templates, d14: rule.templates[last.kind]! },
  };
}

type Call = <T>(method: 'GET' | 'POST', at: string, body?: object) => Promise<T>;

async function asAuthor(parts: DeskParts, work: (call: Call) => Promise<void>): Promise<void> {
  const account = STAFF_ACCOUNTS.find(({ id }) => id === AUTHOR)!;
  const sessions = createSessions(parts);
  const { token } = await sessions.open(
    {
      ...{ kind: 'staff', subject: account.id, name: account.name.ko, agency: account.agency },
      ...{ roles: [account.role!], locale: 'ko' },
    },
    { device: 'npm start', idToken: null },
  );
  const found = await sessions.read(token);
  if (found === null) return;
  try {
    await work(async (method, at, body) => {
      const answer = await fetch(`${parts.url}${at}`, {
        method,
        headers: {
          cookie: `${sessionCookie(parts.secure)}=${token}`,
          [CSRF_HEADER]: found.csrf,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${at} answered ${answer.status}: ${text.slice(0, 300)}`);
      return JSON.parse(text) as never;
    });
  } finally {
    await sessions.end(found.person);
  }
}

/** A year with its unit: what it means can be seen, and it can be mended and sent again. */
async function sendUnreadable({ pool, broker, clock }: DeskParts): Promise<void> {
  const today = dayOf(clock.nowMs());
  const year = Temporal.PlainDate.from(today).year;
  const event = {
    specversion: '1.0',
    id: `checkup-done-${today}`,
    source: '/nhis/checkup',
    type: 'kr.nhis.checkup.completed',
    time: Temporal.Instant.fromEpochMilliseconds(clock.nowMs()).toString(),
    datacontenttype: 'application/json',
    subject: demonstrationCast().idle,
    allimobligation: `checkup/${year}`,
    data: { year: `${year}년` },
  };
  await broker.append(TOPICS.events, [
    {
      key: event.subject,
      value: JSON.stringify(event),
      headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' },
    },
  ]);
  const deadline = performance.now() + READ_WITHIN_MS;
  for (;;) {
    const { rows } = await pool.query<{ kept: boolean }>('SELECT EXISTS (SELECT 1 FROM quarantine) AS kept');
    if (rows[0]?.kept === true || performance.now() > deadline) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
