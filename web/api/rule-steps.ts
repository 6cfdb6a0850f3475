/**
 * What becomes of a draft: somebody asks for its approval, another person approves or refuses exactly what they read, it is published with a
 * reason, and one day withdrawn. Whoever wrote any of a version does not approve it: of people that always holds, of agencies' keys in
 * production. Each step is in the audit trail with the transaction that takes it.
 */
import { Type } from 'typebox';
import { AllimError } from '../../domain/errors.ts';
import { type Sql, transaction } from '../../domain/sql.ts';
import { type Credential, isOwn } from '../../producers/credential.ts';
import { approveRule, publishRule } from '../../store/catalogue.ts';
import {
  approvedTexts,
  keepApprovedTexts,
  publishTexts,
  type RuleText,
  waitingTexts,
} from '../../store/rule-texts.ts';
import {
  lockRuleVersion,
  moveDraft,
  type RuleVersionState,
  ruleOfVersion,
  ruleOwner,
} from '../../store/rule-versions.ts';
import { lockLiveVersion, withdrawalEffect, withdrawRule } from '../../store/rule-withdrawals.ts';
import type { AdministrationParts } from './administration.ts';
import { type AuthoringParts, publishing } from './authoring.ts';
import { type Endpoint, endpoint, invalid, ok } from './endpoint.ts';
import { RuleParams, VersionParams } from './rules.ts';

const strict = { additionalProperties: false } as const;
const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Texts = Type.Record(
  Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$' }),
  Type.String({ minLength: 1, maxLength: 64 }),
  { maxProperties: 100 },
);
export const Reason = Type.String({ minLength: 1, maxLength: 1_000 });

type Ids = { readonly rule: string; readonly version: number };

const idsOf = (params: { readonly id: string; readonly v: string }): Ids => ({
  rule: params.id,
  version: Number(params.v),
});

const noVersion = (ids: Ids): AllimError =>
  new AllimError('not-found', 'there is no such version of the rule', { ids });

async function lockOwn(sql: Sql, ids: Ids, caller: Credential): Promise<RuleVersionState> {
  const version = await lockRuleVersion(sql, ids.rule, ids.version);
  if (version === undefined || !isOwn(caller, version.agency)) throw noVersion(ids);
  return version;
}

/** The hash says what was read: between reading and deciding somebody may have written on. */
function needHash(version: RuleVersionState, hash: string, ids: Ids): void {
  if (version.hash !== hash)
    throw new AllimError('rule-conflict', 'the version has another content than was read', {
      ids,
      faults: [{ pointer: '/hash', message: 'is not that of the version' }],
    });
}

const objectOf = ({ rule, version }: Ids): string => `rule:${rule}/${version}`;

export const requestApproval = ({ pool, logger }: AuthoringParts): Endpoint =>
  endpoint({
    params: VersionParams,
    body: Type.Object({ hash: Hash, note: Type.Optional(Reason) }, strict),
    action: 'rule.approval-requested',
    answer: async ({ params, body, caller, audit }) => {
      const ids = idsOf(params);
      await transaction(pool, async (sql) => {
        const { agency, ...version } = await lockOwn(sql, ids, caller());
        needHash({ agency, ...version }, body.hash, ids);
        const step = { ...ids, by: caller().id, hash: body.hash, reason: body.note ?? null };
        if (version.state !== 'awaiting' && !(await moveDraft(sql, 'awaiting', step)))
          throw new AllimError('rule-conflict', `the version is ${version.state}, and no draft`, { ids });
        await audit(sql, {
          agency,
          object: objectOf(ids),
          reason: body.note ?? null,
          details: { hash: body.hash },
        });
      });
      logger.info({ caller: caller().id, ...ids }, 'approval of a rule requested');
      return ok({ id: ids.rule, version: ids.version, state: 'awaiting' });
    },
  });

/** Who decides may have written nothing of it. */
function needAnother(version: RuleVersionState, caller: Credential, ids: Ids): void {
  if (version.writers.includes(caller.id) || version.author === caller.id)
    throw new AllimError('forbidden', 'another person approves what one wrote', { ids });
}

/** Of the rule's texts that wait, those that were read: each as it was saved last, and written by another. */
async function textsRead(
  sql: Sql,
  ids: Ids,
  read: Readonly<Record<string, string>>,
  { agency, needsAnother, approver }: { agency: string; needsAnother: boolean; approver: string },
): Promise<readonly RuleText[]> {
  const names = Object.keys(read);
  if (names.length === 0) return [];
  const rule = await ruleOfVersion(sql, ids.rule, ids.version);
  const found = await waitingTexts(sql, { agency, ...ids, names: Object.values(rule?.templates ?? {}) });
  const waiting = new Map(found.map((text) => [text.name, text]));
  return names.map((name) => {
    const text = waiting.get(name);
    if (text === undefined || text.hash !== read[name])
      throw new AllimError('rule-conflict', `the text ${name} is another than was read`, {
        ids: { ...ids, template: name },
        faults: [{ pointer: `/texts/${name}`, message: 'is not that of the text that waits' }],
      });
    if (needsAnother && text.writers.includes(approver))
      throw new AllimError('forbidden', 'another person approves what one wrote', {
        ids: { ...ids, template: name },
      });
    return text;
  });
}

/** `texts` (template → hash) are approved with it, and go live when it is published. */
export const approveVersion = ({ pool, logger, production }: AuthoringParts): Endpoint =>
  endpoint({
    params: VersionParams,
    body: Type.Object({ hash: Hash, reason: Type.Optional(Reason), texts: Type.Optional(Texts) }, strict),
    action: 'rule.approved',
    answer: async ({ params, body, caller, audit, isPerson }) => {
      const ids = idsOf(params);
      const approver = caller().id;
      await transaction(pool, async (sql) => {
        const version = await lockOwn(sql, ids, caller());
        const needsAnother = production || isPerson();
        if (needsAnother) needAnother(version, caller(), ids);
        needHash(version, body.hash, ids);
        const { agency } = version;
        const texts = await textsRead(sql, ids, body.texts ?? {}, { agency, needsAnother, approver });
        if (!(await approveRule(sql, ids.rule, ids.version, body.hash, approver, body.reason ?? null)))
          throw new AllimError(
            'rule-conflict',
            version.state === 'withdrawn'
              ? 'the version was withdrawn'
              : `the version was approved before, by ${version.approver} at ${version.approvedAt?.toISOString()}`,
            { ids },
          );
        await keepApprovedTexts(sql, ids.rule, ids.version, texts);
        const details = { hash: body.hash, ...(texts.length === 0 ? {} : { texts: body.texts }) };
        await audit(sql, { agency, object: objectOf(ids), details });
      });
      logger.info({ caller: approver, ...ids }, 'rule approved');
      return ok({ id: ids.rule, version: ids.version, state: 'approved' });
    },
  });

/** A draft again, with the reason for whoever writes on. */
export const refuseVersion = ({ pool, logger }: AuthoringParts): Endpoint =>
  endpoint({
    params: VersionParams,
    body: Type.Object({ hash: Hash, reason: Reason }, strict),
    action: 'rule.refused',
    answer: async ({ params, body, caller, audit }) => {
      const ids = idsOf(params);
      await transaction(pool, async (sql) => {
        const version = await lockOwn(sql, ids, caller());
        needHash(version, body.hash, ids);
        if (!(await moveDraft(sql, 'draft', { ...ids, by: caller().id, ...body })))
          throw new AllimError(
            'rule-conflict',
            `the version does not await approval: it is ${version.state}`,
            {
              ids,
            },
          );
        await audit(sql, { agency: version.agency, object: objectOf(ids), details: { hash: body.hash } });
      });
      logger.info({ caller: caller().id, ...ids }, 'approval of a rule refused');
      return ok({ id: ids.rule, version: ids.version, state: 'draft' });
    },
  });

/** With the texts that were approved with it. A person says why; for a key the body may be missing, as it may be the publication of a file. */
export const publishVersion = (parts: AuthoringParts): Endpoint =>
  endpoint({
    params: VersionParams,
    body: Type.Union([Type.Null(), Type.Object({ reason: Type.Optional(Reason) }, strict)]),
    action: 'rule.published',
    answer: async ({ params, body, caller, audit, isPerson }) => {
      const ids = idsOf(params);
      const reason = body?.reason ?? null;
      if (reason === null && isPerson()) throw invalid('/reason', 'must say why it is published');
      await publishing(parts, async () => {
        const rule = await ruleOfVersion(parts.pool, ids.rule, ids.version);
        const texts = await approvedTexts(parts.pool, ids.rule, ids.version);
        if (rule !== undefined) {
          if (!isOwn(caller(), rule.agency)) throw noVersion(ids);
          // Its event type and its templates may have changed since it was drafted.
          await parts.checkRule(rule, new Map(texts.map(({ name, version }) => [name, version])));
          for (const { name, definition } of texts) await parts.recheckTemplate(name, definition, rule.id);
        }
        return async (sql) => {
          const { agency, hash, approver } = await lockOwn(sql, ids, caller());
          if (!(await publishRule(sql, ids.rule, ids.version, caller().id, reason)))
            throw new AllimError('rule-conflict', 'the version has not been approved', { ids });
          await publishTexts(sql, texts, approver ?? caller().id);
          const details = { hash, ...(texts.length === 0 ? {} : { texts: texts.map(({ name }) => name) }) };
          await audit(sql, { agency, object: objectOf(ids), reason, details });
        };
      });
      parts.logger.info({ caller: caller().id, ...ids }, 'rule published');
      return ok({ id: ids.rule, version: ids.version, state: 'published' });
    },
  });

/**
 * Takes the live version back. `cancel` ends what is planned of its campaigns and has not left, `leave` lets it go out; stages that lie ahead
 * are dropped either way. With `dryRun` nothing is changed, and the answer says what would be.
 */
export const withdrawVersion = ({
  pool,
  clock,
  catalogue,
  logger,
}: AuthoringParts & Pick<AdministrationParts, 'clock'>): Endpoint =>
  endpoint({
    params: RuleParams,
    body: Type.Object(
      {
        reason: Reason,
        planned: Type.Unsafe<'cancel' | 'leave'>({ type: 'string', enum: ['cancel', 'leave'] }),
        dryRun: Type.Optional(Type.Boolean()),
      },
      strict,
    ),
    action: 'rule.withdrawn',
    answer: async ({ params, body, caller, audit }) => {
      const { reason, planned, dryRun = false } = body;
      const ids = { rule: params.id };
      const done = await transaction(pool, async (sql) => {
        const owner = await ruleOwner(sql, params.id);
        if (owner === undefined || !isOwn(caller(), owner))
          throw new AllimError('not-found', 'there is no such rule', { ids });
        const live = await lockLiveVersion(sql, params.id);
        if (live === undefined)
          throw new AllimError('rule-conflict', 'no version of the rule is live', { ids });
        const nowMs = clock.nowMs();
        if (dryRun) return { version: live.version, ...(await withdrawalEffect(sql, params.id, nowMs)) };
        const given = { by: caller().id, reason, planned };
        const effect = await withdrawRule(sql, params.id, live, given, nowMs);
        const object = objectOf({ rule: params.id, version: live.version });
        await audit(sql, { agency: live.agency, object, details: { planned, hash: live.hash, ...effect } });
        return { version: live.version, ...effect };
      });
      if (!dryRun) {
        await catalogue.refresh();
        logger.warn({ caller: caller().id, ...ids, version: done.version, planned }, 'rule withdrawn');
      }
      return { ...ok({ id: params.id, dryRun, planned, ...done }), ...(dryRun ? { nothing: true } : {}) };
    },
  });
