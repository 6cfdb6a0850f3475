/** Dead letters: listed, counted by why, put back. Without `"dryRun": false` a redrive changes nothing and says what it would. */
import { Type } from 'typebox';
import { isInstant } from '../../domain/cloud-events.ts';
import { CHANNELS } from '../../domain/statuses.ts';
import { countDeadLetters, listDeadLetters, redriveDeadLetters } from '../../producers/dead-letters.ts';
import type { QuarantineParts } from '../../producers/quarantine.ts';
import {
  DEAD_LETTER_KINDS,
  DEAD_STATUSES,
  type DeadLetterFilter,
  listRedrives,
} from '../../store/dead-letters.ts';
import { type Endpoint, endpoint, invalid, ok } from './endpoint.ts';
import { cursorOf, PageQuery, pageOf, readCursor, readPage } from './paging.ts';

const UUID = '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
const Filter = {
  agency: Type.Optional(Type.String({ maxLength: 32 })),
  campaign: Type.Optional(Type.String({ pattern: UUID })),
  channel: Type.Optional(Type.Union(CHANNELS.map((channel) => Type.Literal(channel)))),
  code: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  status: Type.Optional(Type.Union(DEAD_STATUSES.map((status) => Type.Literal(status)))),
  since: Type.Optional(Type.String({ maxLength: 40 })),
};
const strict = { additionalProperties: false } as const;
const KindParams = Type.Object({ kind: Type.Union(DEAD_LETTER_KINDS.map((kind) => Type.Literal(kind))) });

type Given = Partial<Record<'agency' | 'campaign' | 'code' | 'since', string>> &
  Partial<Pick<DeadLetterFilter, 'channel' | 'status'>>;

function filterOf(given: Given, pointer: string): DeadLetterFilter {
  const { agency = null, campaign = null, channel = null, code = null, status = null, since } = given;
  // Postgres knows no year 0.
  if (since !== undefined && (!isInstant(since) || since.startsWith('0000')))
    throw invalid(`${pointer}/since`, 'must be an RFC 3339 time');
  const at = since === undefined ? null : new Date(Temporal.Instant.from(since).epochMilliseconds);
  return { agency, campaign, channel, code, status, since: at };
}

export const getDeadLetters = (parts: QuarantineParts): Endpoint =>
  endpoint({
    params: KindParams,
    query: Type.Object({ ...PageQuery.properties, ...Filter }, strict),
    answer: async ({ params, query, caller }) => {
      const { limit, after } = readPage(query);
      const filter = filterOf(query, '/querystring');
      const found = await listDeadLetters(parts, caller(), params.kind, filter, after, limit + 1);
      const { rows, next } = pageOf(found, limit);
      return ok({ [params.kind]: rows, next });
    },
  });

export const getDeadLetterCounts = (parts: QuarantineParts): Endpoint =>
  endpoint({
    params: KindParams,
    query: Type.Object(Filter, strict),
    answer: async ({ params, query, caller }) => {
      const counts = await countDeadLetters(parts, caller(), params.kind, filterOf(query, '/querystring'));
      return ok({ total: counts.reduce((sum, one) => sum + one.count, 0), counts });
    },
  });

/** A page of at most 500 (events: 100); with `next` of the answer as `cursor` the next one. */
export const postRedrive = (parts: QuarantineParts): Endpoint =>
  endpoint({
    action: 'dead-letters.redriven',
    params: KindParams,
    body: Type.Object(
      {
        ...Filter,
        dryRun: Type.Optional(Type.Boolean()),
        cursor: Type.Optional(Type.String({ maxLength: 200 })),
      },
      strict,
    ),
    answer: async ({ params, body, caller }) => {
      const look = body.dryRun !== false;
      const page = await redriveDeadLetters(parts, caller(), params.kind, filterOf(body, ''), {
        after: body.cursor === undefined ? null : readCursor(body.cursor, '/cursor'),
        look,
      });
      const answer = ok({ dryRun: look, ...page, next: page.next === null ? null : cursorOf(page.next) });
      return look ? { ...answer, nothing: true } : answer;
    },
  });

/** Who put back what, newest first. */
export const getRedrives = (parts: QuarantineParts): Endpoint =>
  endpoint({
    query: PageQuery,
    answer: async ({ query, caller }) => {
      const { limit, after } = readPage(query);
      const { rows, next } = pageOf(await listRedrives(parts.pool, caller().agency, after, limit + 1), limit);
      return ok({ redrives: rows, next });
    },
  });
