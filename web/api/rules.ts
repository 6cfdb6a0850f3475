/** Rules as staff see them: lists, one with its versions and who took which step, one version with its sentence, and a draft edited in place. */
import { Type } from 'typebox';
import { contentHash } from '../../domain/content-hash.ts';
import { AllimError } from '../../domain/errors.ts';
import type { Rule } from '../../domain/rule.ts';
import { transaction } from '../../domain/sql.ts';
import { type Credential, isOwn, mayDo, needAgency } from '../../producers/credential.ts';
import { type Fields, LANGUAGES } from '../../rules/catalogue.ts';
import { readRule } from '../../rules/check/rule.ts';
import { type Sentence, sentenceOf } from '../../rules/say/sentence.ts';
import type { Catalogue } from '../../store/catalogue.ts';
import {
  findRule,
  findVersion,
  LISTED_STATES,
  type ListedRule,
  type ListedState,
  listRules,
  type ShownState,
  type ShownVersion,
  versionsOf,
} from '../../store/rule-lists.ts';
import { type RuleText, waitingTexts } from '../../store/rule-texts.ts';
import { editDraft, lockRuleVersion, type RuleStep } from '../../store/rule-versions.ts';
import { type AuthoringParts, Json } from './authoring.ts';
import { type Endpoint, endpoint, invalid, ok } from './endpoint.ts';
import { NAMED, PageQuery, pageOf, readPage } from './paging.ts';
import { checkIfMatch, etagOf, needIfMatch } from './preconditions.ts';

export type RuleParts = AuthoringParts & { readonly ruleFields: Fields };

export const RuleParams = Type.Object({ id: Type.String({ maxLength: 64 }) });
export const VersionParams = Type.Object({
  id: Type.String({ maxLength: 64 }),
  v: Type.String({ pattern: '^[1-9][0-9]{0,8}$' }),
});
const VERSIONS = 200;

/** What a list says of a rule: live where a version is, else as its latest version stands. */
function shownRule({ at, rule, id: _, ...rest }: ListedRule) {
  return { id: rule, ...rest, state: rest.live === null ? rest.latest.state : 'live', changedAt: at };
}

export const getRules = ({ pool }: Pick<RuleParts, 'pool'>): Endpoint =>
  endpoint({
    query: Type.Object(
      {
        ...PageQuery.properties,
        state: Type.Optional(Type.Unsafe<ListedState>({ type: 'string', enum: [...LISTED_STATES] })),
        agency: Type.Optional(Type.String({ maxLength: 32 })),
        on: Type.Optional(Type.String({ maxLength: 128 })),
        category: Type.Optional(Type.String({ maxLength: 32 })),
        q: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
      },
      { additionalProperties: false },
    ),
    answer: async ({ query, caller }) => {
      const { limit, after } = readPage(query, NAMED);
      if (query.agency !== undefined) needAgency(caller(), query.agency);
      const { state = null, on = null, category = null, q = null } = query;
      const filter = { agency: caller().agency ?? query.agency ?? null, state, on, category, text: q };
      const { rows, next } = pageOf(await listRules(pool, filter, after, limit + 1), limit);
      return ok({ rules: rows.map(shownRule), next });
    },
  });

export async function needRule(
  { pool }: Pick<RuleParts, 'pool'>,
  caller: Credential,
  id: string,
): Promise<ListedRule> {
  const found = await findRule(pool, id);
  // Of another agency's rule not even that it exists.
  if (found === undefined || !isOwn(caller, found.agency))
    throw new AllimError('not-found', 'there is no such rule', { ids: { rule: id } });
  return found;
}

const WROTE: readonly RuleStep['step'][] = ['drafted', 'edited'];

export const writersOf = (steps: readonly RuleStep[]): string[] => [
  ...new Set(steps.filter(({ step }) => WROTE.includes(step)).map(({ by }) => by)),
];

function shownVersion({ steps, ...version }: ShownVersion) {
  return { ...version, writers: writersOf(steps), reason: steps.at(-1)?.reason ?? null, steps };
}

export const getRule = (parts: Pick<RuleParts, 'pool'>): Endpoint =>
  endpoint({
    params: RuleParams,
    answer: async ({ params, caller }) => {
      const rule = await needRule(parts, caller(), params.id);
      const versions = await versionsOf(parts.pool, params.id, VERSIONS);
      return ok({ ...shownRule(rule), versions: versions.map(shownVersion) });
    },
  });

/** Steps that one person may take next: `true`, or why not. */
export type May = Readonly<
  Record<'edit' | 'request' | 'approve' | 'refuse' | 'publish' | 'withdraw', true | string>
>;

export function mayOf(
  { state, steps }: { readonly state: ShownState; readonly steps: readonly RuleStep[] },
  caller: Credential,
  anotherApproves: boolean,
  texts: readonly RuleText[],
): May {
  const right = (permission: 'rules' | 'approve' | 'publish') => mayDo(caller, permission);
  const ifRight = (right: boolean, so: true | string): true | string => (right ? so : 'permission');
  const isDraft = state === 'draft' || state === 'awaiting';
  const writers = [...writersOf(steps), ...texts.flatMap((text) => text.writers)];
  const wrote = anotherApproves && writers.includes(caller.id);
  return {
    edit: ifRight(right('rules'), isDraft ? true : 'approved'),
    request: ifRight(
      right('rules'),
      state === 'draft' ? true : state === 'awaiting' ? 'awaiting' : 'approved',
    ),
    approve: ifRight(right('approve'), !isDraft ? 'approved' : wrote ? 'wrote-it' : true),
    refuse: ifRight(right('approve'), state === 'awaiting' ? true : 'not-awaiting'),
    publish: ifRight(
      right('publish'),
      state === 'approved' || state === 'replaced' ? true : isDraft ? 'not-approved' : state,
    ),
    withdraw: ifRight(right('publish'), state === 'live' ? true : 'not-live'),
  };
}

/** null where the rule cannot be read any more: its event type changed. */
function sentencesOf(
  rule: Rule,
  fields: Fields,
  catalogue: Pick<Catalogue, 'current'>,
): Readonly<Record<string, Sentence>> | null {
  const { eventTypes } = catalogue.current();
  try {
    const { condition } = readRule(rule, { fields, eventType: (name) => eventTypes.get(name) });
    return Object.fromEntries(LANGUAGES.map((language) => [language, sentenceOf(condition, language)]));
  } catch (error) {
    if (error instanceof AllimError) return null;
    throw error;
  }
}

export const getVersion = (parts: RuleParts): Endpoint =>
  endpoint({
    params: VersionParams,
    answer: async ({ params, caller, isPerson }) => {
      await needRule(parts, caller(), params.id);
      const found = await findVersion(parts.pool, params.id, Number(params.v));
      if (found === undefined)
        throw new AllimError('not-found', 'there is no such version of the rule', {
          ids: { rule: params.id, version: Number(params.v) },
        });
      const { definition, agency, ...version } = found;
      const texts = await waitingTexts(parts.pool, {
        agency,
        rule: params.id,
        version: version.version,
        names: Object.values(definition.templates),
      });
      return {
        status: 200,
        headers: { etag: etagOf(version.hash) },
        body: {
          id: params.id,
          agency,
          ...shownVersion(version),
          rule: definition,
          sentence: sentencesOf(definition, parts.ruleFields, parts.catalogue),
          texts,
          may: mayOf(version, caller(), parts.production || isPerson(), texts),
        },
      };
    },
  });

/** Saved every few seconds while somebody writes: the same hand is one step and one entry of the trail. */
export const putVersion = ({ pool, logger, checkRule, warningsOfRule }: RuleParts): Endpoint =>
  endpoint({
    params: VersionParams,
    body: Json,
    action: 'rule.edited',
    answer: async ({ params, body, caller, audit, ifMatch }) => {
      needIfMatch(ifMatch);
      const rule = await checkRule(body);
      if (rule.id !== params.id) throw invalid('/id', 'must be the rule in the path');
      const ids = { rule: rule.id, version: Number(params.v) };
      const hash = contentHash(rule);
      const noted = await transaction(pool, async (sql) => {
        const version = await lockRuleVersion(sql, ids.rule, ids.version);
        if (version === undefined || !isOwn(caller(), version.agency))
          throw new AllimError('not-found', 'there is no such version of the rule', { ids });
        if (rule.agency !== version.agency) throw invalid('/agency', 'must stay');
        checkIfMatch(ifMatch, {
          hash: version.hash,
          shown: { ...ids, hash: version.hash, state: version.state },
        });
        if (version.hash === hash) return false;
        const { edited, noted } = await editDraft(sql, ids.version, rule, hash, caller().id);
        if (!edited)
          throw new AllimError(
            'rule-conflict',
            'what was approved is not changed: save it as a new version (POST /api/v1/rules)',
            { ids },
          );
        if (noted)
          await audit(sql, {
            agency: version.agency,
            object: `rule:${ids.rule}/${ids.version}`,
            reason: null,
            details: { hash, before: version.hash },
          });
        return noted;
      });
      if (noted) logger.info({ caller: caller().id, ...ids }, 'rule edited');
      return {
        status: 200,
        headers: { etag: etagOf(hash) },
        body: { id: rule.id, version: ids.version, hash, warnings: warningsOfRule(rule) },
        nothing: true,
      };
    },
  });
