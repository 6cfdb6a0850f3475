/**
 * Support: somebody calls, and staff look up what became of a notice. Every look has a reason and stands in the audit trail before anything is
 * shown; looks are limited by person; an agency's staff see what their agency sent. The trail says whom was asked about, never a telephone number.
 */
import { Type } from 'typebox';
import { AllimError } from '../../domain/errors.ts';
import { toE164 } from '../../domain/kr/telephone.ts';
import type { Sealer } from '../../domain/sealing.ts';
import { parseShortCode } from '../../domain/short-code.ts';
import { type Sql, type SqlPool, transaction } from '../../domain/sql.ts';
import { CITIZEN_ID } from '../../producers/citizen-body.ts';
import { isOwn } from '../../producers/credential.ts';
import type { Explanation } from '../../rules/say/explanation.ts';
import type { Catalogue, LiveRule } from '../../store/catalogue.ts';
import { addressIndex } from '../../store/contact-points.ts';
import {
  chainsOf,
  chainsTo,
  citizensOfAddress,
  type NoticeChain,
  whyNotFacts,
} from '../../store/notice-chains.ts';
import { noticesByCode } from '../../store/notice-codes.ts';
import { type Call, type Endpoint, endpoint, invalid, ok } from './endpoint.ts';
import { createFailures } from './failures.ts';
import { snapshotOf } from './own-agency.ts';
import { cursorOf, readCursor } from './paging.ts';
import { shownChain } from './support-chain.ts';

export type SupportLanguage = 'ko' | 'en' | 'vi';

export type SupportParts = {
  readonly pool: SqlPool;
  readonly sealer: Sealer;
  readonly catalogue: Catalogue;
  /** Looks of one person within a minute before they are told to wait; 30 unless told. */
  readonly looksPerMinute?: number;
  /** Why the rule concerns the person now, or not; null where nobody has a profile of them. */
  readonly explainCitizen: (asked: {
    readonly live: LiveRule;
    readonly citizen: string;
    readonly language: SupportLanguage;
  }) => Promise<Explanation | null>;
};

const strict = { additionalProperties: false } as const;
/** What whoever calls wants to know: an auditor reads it. */
const Why = Type.String({ minLength: 3, maxLength: 300 });
/** As they are dialled here or from abroad: what stands in a reason stays in the trail, and the person asked about reads it. */
const TELEPHONE = /(?<!\d)(?:\+\d{1,3}|0)[\s.-]?\d{1,2}[\s.-]?\d{3,4}[\s.-]?\d{4}(?!\d)/;
const PAGE = 20;
const SAME_ADDRESS = 5;

type Asking = Pick<Call<unknown, unknown, unknown>, 'caller' | 'audit'>;
type Looked = {
  readonly by: 'code' | 'citizen' | 'phone';
  /** Whose data are shown: an entry each, so that each of them can be told who looked (web/citizen/). */
  readonly citizens: readonly string[];
  /** Of a code. */
  readonly code?: string;
};

/** One limit for all of a person's looks. */
function createLooks({ pool, looksPerMinute = 30 }: Pick<SupportParts, 'pool' | 'looksPerMinute'>) {
  const looks = createFailures(looksPerMinute);

  function mayLook(caller: string): void {
    if (looks.waitSeconds(caller) !== null)
      throw new AllimError('too-many-requests', 'so many looks within a minute are not for one call');
    looks.begin(caller);
  }

  return {
    mayLook,
    /** The entry is committed before the answer is made of what was read. */
    async look<T>(
      { caller, audit }: Asking,
      reason: string,
      work: (sql: Sql) => Promise<{ looked: Looked; found: T; count: number }>,
    ): Promise<T> {
      mayLook(caller().id);
      if (TELEPHONE.test(reason.normalize('NFKC')))
        throw new AllimError('request-invalid', 'the reason needs no telephone number: the trail keeps it', {
          faults: [{ pointer: '/reason', message: 'must not hold a telephone number' }],
        });
      const { looked, found, count } = await snapshotOf(pool, caller(), work);
      const { citizens, ...how } = looked;
      const objects = citizens.length === 0 ? [null] : [...new Set(citizens)].map((id) => `citizen:${id}`);
      await transaction(pool, async (sql) => {
        for (const object of objects) await audit(sql, { object, reason, details: { ...how, found: count } });
      });
      return found;
    },
  };
}

type Looks = ReturnType<typeof createLooks>;

const codeOf = (typed: string, pointer: string): string => {
  const code = parseShortCode(typed);
  if (code === null) throw invalid(pointer, 'is no code: four letters or digits, a dash, two more');
  return code;
};

async function byCode(sql: Sql, code: string, agency: string | null) {
  const coded = await noticesByCode(sql, code);
  const ids = coded.map(({ id }) => id);
  const found: NoticeChain[] = await chainsOf(sql, ids, agency);
  const citizens = found.flatMap(({ citizen, recipient }) => [recipient, citizen]);
  return { looked: { by: 'code' as const, citizens, code }, found, count: found.length };
}

/** Whoever reads a code aloud has a notice in hand: every notice with that code, of the agency. */
export const getNotice = (parts: SupportParts, looks: Looks): Endpoint =>
  endpoint({
    params: Type.Object({ code: Type.String({ minLength: 6, maxLength: 12 }) }),
    query: Type.Object({ reason: Why }, strict),
    action: 'support.looked-up',
    answer: async ({ params, query, ...call }) => {
      const code = codeOf(params.code, '/params/code');
      const notices = await looks.look(call, query.reason, (sql) => byCode(sql, code, call.caller().agency));
      return ok({ notices: notices.map((notice) => shownChain(notice, parts.catalogue)) });
    },
  });

const Lookup = Type.Object(
  {
    reason: Why,
    code: Type.Optional(Type.String({ minLength: 6, maxLength: 12 })),
    citizen: Type.Optional(Type.String({ pattern: CITIZEN_ID })),
    /** Any way in which people write a number. */
    phone: Type.Optional(Type.String({ minLength: 8, maxLength: 24 })),
    cursor: Type.Optional(Type.String({ maxLength: 200 })),
  },
  strict,
);

/** By one of a code, a citizen's id and a telephone number. */
export const postLookup = (parts: SupportParts, looks: Looks): Endpoint =>
  endpoint({
    body: Lookup,
    looks: true,
    action: 'support.looked-up',
    answer: async ({ body, ...call }) => {
      const { reason, code, citizen, phone } = body;
      if ([code, citizen, phone].filter((one) => one !== undefined).length !== 1)
        throw invalid('', 'must have one of code, citizen and phone');
      const { agency } = call.caller();
      if (code !== undefined) {
        const typed = codeOf(code, '/code');
        const found = await looks.look(call, reason, (sql) => byCode(sql, typed, agency));
        return ok({
          citizens: null,
          notices: found.map((notice) => shownChain(notice, parts.catalogue)),
          next: null,
        });
      }
      const after = body.cursor === undefined ? null : readCursor(body.cursor, '/cursor');
      const number = phone === undefined ? null : toE164(phone);
      if (phone !== undefined && number === null) throw invalid('/phone', 'is no telephone number');
      const { citizens, notices } = await looks.look(call, reason, async (sql) => {
        const ids =
          number === null
            ? [citizen!]
            : await citizensOfAddress(sql, addressIndex(parts.sealer, 'sms', number), SAME_ADDRESS);
        const rows: NoticeChain[] = [];
        for (const id of ids) rows.push(...(await chainsTo(sql, id, agency, after, PAGE + 1)));
        rows.sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : a.id < b.id ? 1 : -1));
        // Of a number only what the agency told its owner: who else has one, it does not learn here.
        const own =
          agency === null || number === null
            ? ids
            : ids.filter((id) => rows.some((row) => row.recipient === id));
        return {
          looked: { by: number === null ? 'citizen' : 'phone', citizens: own },
          found: { citizens: own, notices: rows },
          count: rows.length,
        };
      });
      const page = notices.slice(0, PAGE);
      const last = notices.length > PAGE ? page.at(-1) : undefined;
      return ok({
        citizens,
        notices: page.map((notice) => shownChain(notice, parts.catalogue)),
        next: last === undefined ? null : cursorOf(last),
      });
    },
  });

/** Why this rule concerns this person or does not: what is asked of them, and what the ledger says beside it. */
export const postExplanation = (parts: SupportParts, looks: Looks): Endpoint =>
  endpoint({
    body: Type.Object(
      {
        citizen: Type.String({ pattern: CITIZEN_ID }),
        rule: Type.String({ maxLength: 64 }),
        reason: Why,
        language: Type.Optional(Type.Unsafe<SupportLanguage>({ type: 'string', enum: ['ko', 'en', 'vi'] })),
      },
      strict,
    ),
    looks: true,
    action: 'support.explained',
    answer: async ({ body, ...call }) => {
      const { citizen, rule, reason, language = 'ko' } = body;
      const live = (await parts.catalogue.refresh()).rules.get(rule);
      if (live === undefined || !isOwn(call.caller(), live.rule.agency))
        throw new AllimError('not-found', 'no such rule is live', { ids: { rule } });
      const facts = await looks.look(call, reason, async (sql) => ({
        looked: { by: 'citizen', citizens: [citizen] },
        found: await whyNotFacts(sql, { citizen, rule, agency: live.rule.agency, eventType: live.rule.on }),
        count: 1,
      }));
      const explanation = await parts.explainCitizen({ live, citizen, language });
      return ok({
        citizen,
        rule,
        version: live.version,
        title: live.rule.title,
        explanation,
        facts,
        gates: gatesOf(live, facts),
      });
    },
  });

/** What else than the condition keeps somebody from being told, in the order in which it is asked. */
function gatesOf({ rule }: LiveRule, facts: Awaited<ReturnType<typeof whyNotFacts>>): string[] {
  const { category } = rule;
  const mayRefuse = category === 'service' || category === 'information';
  const covers = (one: { category: string | null }) => one.category === null || one.category === category;
  return [
    ...(facts.dead ? ['dead'] : []),
    ...(facts.events.some(({ waits }) => waits) ? ['unresolved'] : []),
    ...(facts.obligations.some(({ state }) => state === 'done') ? ['done'] : []),
    ...(mayRefuse && facts.off.includes(category) ? ['opted-out'] : []),
    ...(mayRefuse && facts.optOuts.some((one) => one.channel === null && covers(one)) ? ['opted-out'] : []),
    ...(rule.channels.every((channel) => !facts.channels.includes(channel)) ? ['no-address'] : []),
    ...(facts.notices.length > 0 ? ['told'] : []),
  ].filter((gate, index, all) => all.indexOf(gate) === index);
}

export { createLooks };
