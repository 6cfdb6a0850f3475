/** What agencies write: event types, rules and words. What is wrong with a rule or a template say the checks that are handed in. */
import { Type } from 'typebox';
import { contentHash } from '../../domain/content-hash.ts';
import { AllimError } from '../../domain/errors.ts';
import type { EventType } from '../../domain/event.ts';
import { createSchemaCompiler, faultsOf, parseEventType } from '../../domain/event-types.ts';
import type { Logger } from '../../domain/logger.ts';
import type { Rule } from '../../domain/rule.ts';
import { type SqlPool, transaction } from '../../domain/sql.ts';
import { needAgency } from '../../producers/credential.ts';
import {
  approveRule,
  type Catalogue,
  publishRule,
  saveEventType,
  saveRuleDraft,
  saveTemplate,
} from '../../store/catalogue.ts';
import {
  lockRuleVersion,
  type RuleVersionState,
  ruleOwner,
  templateOwner,
} from '../../store/rule-versions.ts';
import { type Endpoint, endpoint, invalid, ok } from './endpoint.ts';

export type AuthoringParts = {
  readonly pool: SqlPool;
  readonly catalogue: Catalogue;
  readonly logger: Logger;
  /** In production nobody approves what they wrote. */
  readonly production: boolean;
  /** The rule as it is kept, or `rule-invalid` with its faults. */
  readonly checkRule: (json: unknown) => Rule | Promise<Rule>;
  /** The template as it is kept and its hash, or `template-invalid`. `files` by name: `meta.json`, `ko.sms.hbs`. */
  readonly checkTemplate: (
    name: string,
    files: Readonly<Record<string, string>>,
  ) => TemplateToKeep | Promise<TemplateToKeep>;
};
export type TemplateToKeep = { readonly hash: string; readonly definition: unknown };

const Json = Type.Object({}, { additionalProperties: true });
const AGENCY_ID = '^[a-z][a-z0-9-]{0,31}$';

async function needKnownAgency(catalogue: Catalogue, agency: string): Promise<void> {
  if (catalogue.current().agencies.has(agency) || (await catalogue.refresh()).agencies.has(agency)) return;
  throw new AllimError('agency-unknown', `no agency ${agency} is known`, {
    ids: { agency },
    faults: [{ pointer: '/agency', message: 'is not a known agency' }],
  });
}

/** Old events must stay valid: nothing that they were judged by may change, and what was an example still fits. */
function checkEvolution(before: EventType, after: EventType): void {
  const fixed = (['agency', 'effect', 'obligationKind'] as const).filter(
    (name) => before[name] !== after[name],
  );
  const faults = fixed.map((name) => ({
    pointer: `/${name}`,
    message: 'must stay; what differs is a new type',
  }));
  const validate = createSchemaCompiler().compile(after.schema);
  for (const [index, example] of before.examples.entries())
    if (!validate(example))
      for (const fault of faultsOf(validate.errors))
        faults.push({
          pointer: '/schema',
          message: `refuses example ${index} of before: ${fault.pointer} ${fault.message}`,
        });
  if (faults.length > 0)
    throw new AllimError('event-invalid', `events of ${after.type} that were valid would no longer be`, {
      faults,
    });
}

export const putEventType = ({ pool, catalogue, logger }: AuthoringParts): Endpoint =>
  endpoint({
    params: Type.Object({ type: Type.String({ maxLength: 128 }) }),
    body: Json,
    answer: async ({ params, body, caller }) => {
      const type = parseEventType(body);
      if (type.type !== params.type) throw invalid('/type', 'must be the type in the path');
      needAgency(caller(), type.agency);
      const { agency, id, sources } = caller();
      if (agency !== null)
        for (const [index, source] of type.sources.entries())
          if (!sources.includes(source))
            throw new AllimError('source-foreign', `the credential is not bound to ${source}`, {
              faults: [{ pointer: `/sources/${index}`, message: 'is not bound to the credential' }],
            });
      await needKnownAgency(catalogue, type.agency);
      await transaction(pool, async (sql) => {
        // One change of a type at a time, also of one that is new.
        await sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`event-type/${type.type}`]);
        const { rows } = await sql.query<{ definition: EventType }>(
          'SELECT definition FROM event_types WHERE type = $1',
          [type.type],
        );
        const before = rows[0]?.definition;
        if (before !== undefined) {
          needAgency(caller(), before.agency);
          checkEvolution(before, type);
        }
        await saveEventType(sql, type);
      });
      await catalogue.refresh();
      logger.info({ caller: id, eventType: type.type, agency: type.agency }, 'event type saved');
      return ok(type);
    },
  });

export const postRule = ({ pool, catalogue, logger, checkRule }: AuthoringParts): Endpoint =>
  endpoint({
    body: Json,
    answer: async ({ body, caller }) => {
      const rule = await checkRule(body);
      needAgency(caller(), rule.agency);
      await needKnownAgency(catalogue, rule.agency);
      const hash = contentHash(rule);
      const { version } = await transaction(pool, async (sql) => {
        const owner = await ruleOwner(sql, rule.id);
        if (owner !== undefined && owner !== rule.agency)
          throw new AllimError('forbidden', 'the rule belongs to another agency', { ids: { rule: rule.id } });
        return saveRuleDraft(sql, rule, hash, caller().id);
      });
      logger.info({ caller: caller().id, rule: rule.id, version }, 'rule drafted');
      return { status: 201, body: { id: rule.id, version, hash } };
    },
  });

const VersionParams = Type.Object({
  id: Type.String({ maxLength: 64 }),
  v: Type.String({ pattern: '^[1-9][0-9]{0,8}$' }),
});

function found(
  version: RuleVersionState | undefined,
  ids: { rule: string; version: number },
): RuleVersionState {
  if (version === undefined)
    throw new AllimError('not-found', 'there is no such version of the rule', { ids });
  return version;
}

export const approveVersion = ({ pool, logger, production }: AuthoringParts): Endpoint =>
  endpoint({
    params: VersionParams,
    body: Type.Object({ hash: Type.String({ pattern: '^[0-9a-f]{64}$' }) }, { additionalProperties: false }),
    answer: async ({ params, body, caller }) => {
      const ids = { rule: params.id, version: Number(params.v) };
      const approver = caller().id;
      await transaction(pool, async (sql) => {
        const version = found(await lockRuleVersion(sql, ids.rule, ids.version), ids);
        needAgency(caller(), version.agency);
        if (production && version.author === approver)
          throw new AllimError('forbidden', 'another person approves what one wrote', { ids });
        if (!(await approveRule(sql, ids.rule, ids.version, body.hash, approver)))
          throw new AllimError('rule-conflict', 'the version has another content, or was withdrawn', {
            ids,
            faults: [{ pointer: '/hash', message: 'is not that of the version' }],
          });
      });
      logger.info({ caller: approver, ...ids }, 'rule approved');
      return ok({ id: ids.rule, version: ids.version, state: 'approved' });
    },
  });

export const publishVersion = ({ pool, catalogue, logger }: AuthoringParts): Endpoint =>
  endpoint({
    params: VersionParams,
    answer: async ({ params, caller }) => {
      const ids = { rule: params.id, version: Number(params.v) };
      await transaction(pool, async (sql) => {
        needAgency(caller(), found(await lockRuleVersion(sql, ids.rule, ids.version), ids).agency);
        if (!(await publishRule(sql, ids.rule, ids.version)))
          throw new AllimError('rule-conflict', 'the version has not been approved', { ids });
      });
      await catalogue.refresh();
      logger.info({ caller: caller().id, ...ids }, 'rule published');
      return ok({ id: ids.rule, version: ids.version, state: 'published' });
    },
  });

export const putTemplate = ({ pool, catalogue, logger, checkTemplate }: AuthoringParts): Endpoint =>
  endpoint({
    params: Type.Object({ name: Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$' }) }),
    body: Type.Object(
      {
        /** null: all agencies share it. */
        agency: Type.Union([Type.String({ pattern: AGENCY_ID }), Type.Null()]),
        files: Type.Record(Type.String({ maxLength: 64 }), Type.String({ maxLength: 100_000 }), {
          minProperties: 1,
        }),
      },
      { additionalProperties: false },
    ),
    answer: async ({ params, body, caller }) => {
      needAgency(caller(), body.agency);
      if (body.agency !== null) await needKnownAgency(catalogue, body.agency);
      const { hash, definition } = await checkTemplate(params.name, body.files);
      const id = await transaction(pool, async (sql) => {
        const owner = await templateOwner(sql, params.name);
        if (owner !== undefined && owner !== body.agency)
          throw new AllimError('forbidden', 'the template belongs to another agency', {
            ids: { template: params.name },
          });
        return saveTemplate(sql, params.name, hash, body.agency, definition);
      });
      await catalogue.refresh();
      logger.info({ caller: caller().id, template: params.name, version: id }, 'template saved');
      return ok({ name: params.name, version: id, hash });
    },
  });
