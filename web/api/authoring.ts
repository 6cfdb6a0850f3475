/**
 * What agencies write: event types and drafts of rules; what becomes of a draft is in rule-steps.ts, words are in templates.ts. What is wrong with a rule or a template say the checks that are
 * handed in. Nothing goes live that was judged over something else than what is live in that moment.
 */
import { Type } from 'typebox';
import { contentHash } from '../../domain/content-hash.ts';
import { AllimError, type Fault } from '../../domain/errors.ts';
import type { EventType } from '../../domain/event.ts';
import { createSchemaCompiler, parseEventType } from '../../domain/event-types.ts';
import type { Logger } from '../../domain/logger.ts';
import type { Rule } from '../../domain/rule.ts';
import { narrowingFaults } from '../../domain/schema-evolution.ts';
import { type Sql, type SqlPool, transaction } from '../../domain/sql.ts';
import { needAgency } from '../../producers/credential.ts';
import { languageSchema } from '../../rules/check/language-schema.ts';
import { type Catalogue, lockRevision, saveEventType, saveRuleDraft } from '../../store/catalogue.ts';
import { ruleOwner } from '../../store/rule-versions.ts';
import { type Endpoint, endpoint, invalid, ok } from './endpoint.ts';
import { checkIfMatch, etagOf } from './preconditions.ts';

export type AuthoringParts = {
  readonly pool: SqlPool;
  readonly catalogue: Catalogue;
  readonly logger: Logger;
  /** In production nobody approves what they wrote. */
  readonly production: boolean;
  /** Nothing where every live rule of the type still stands with this schema, else `rule-conflict` that names one. */
  readonly checkEventType: (type: EventType) => void | Promise<void>;
  /**
   * The rule as it is kept, or `rule-invalid` with its faults. Held against the texts that were saved last; with `approved` (template →
   * version) against those that would be live with it.
   */
  readonly checkRule: (json: unknown, approved?: ReadonlyMap<string, number>) => Rule | Promise<Rule>;
  /** The template as it is kept and its hash, or `template-invalid`. `files` by name: `meta.json`, `ko.sms.hbs`. */
  readonly checkTemplate: (
    name: string,
    files: Readonly<Record<string, string>>,
  ) => TemplateToKeep | Promise<TemplateToKeep>;
  /** What the rule is warned of; it is kept all the same. */
  readonly warningsOfRule: (rule: Rule) => readonly Fault[];
  /** The same for one that is kept: what is live may have changed since. The live version of the rule `replaced` does not count. */
  readonly recheckTemplate: (name: string, definition: unknown, replaced?: string) => void | Promise<void>;
};
export type TemplateToKeep = { readonly hash: string; readonly definition: unknown };

export const Json = Type.Object({}, { additionalProperties: true });
/** Publications that may come in between before a caller is told to try again. */
const MAX_TRIES = 5;

/**
 * `judge` decides over what is live and gives what to write. That is written only if nothing was published meanwhile; else it is judged
 * anew. Judged outside the transaction: checks read, and may not wait for a connection while they hold one.
 */
export async function publishing<T>(
  { pool, catalogue }: Pick<AuthoringParts, 'pool' | 'catalogue'>,
  judge: () => Promise<(sql: Sql) => Promise<T>>,
): Promise<T> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const { revision } = await catalogue.refresh();
    const write = await judge();
    const written = await transaction(pool, async (sql) =>
      (await lockRevision(sql)) === revision ? { value: await write(sql) } : null,
    );
    if (written === null) continue;
    await catalogue.refresh();
    return written.value;
  }
  throw new AllimError('store-unavailable', 'others published all the while; try again');
}

export async function needKnownAgency(catalogue: Catalogue, agency: string): Promise<void> {
  if (catalogue.current().agencies.has(agency) || (await catalogue.refresh()).agencies.has(agency)) return;
  throw new AllimError('agency-unknown', `no agency ${agency} is known`, {
    ids: { agency },
    faults: [{ pointer: '/agency', message: 'is not a known agency' }],
  });
}

/** Old events must stay valid: nothing that they were judged by may change, and what the schema admitted it goes on admitting. */
export function checkEvolution(before: EventType, after: EventType): void {
  const fixed = (['agency', 'effect', 'obligationKind'] as const).filter(
    (name) => before[name] !== after[name],
  );
  const faults = fixed.map((name) => ({
    pointer: `/${name}`,
    message: 'must stay; what differs is a new type',
  }));
  for (const { pointer, message } of narrowingFaults(
    before.schema,
    after.schema,
    '/schema',
    createSchemaCompiler(),
  ))
    faults.push({ pointer, message: `${message}; what is narrower is a new type` });
  if (faults.length > 0)
    throw new AllimError('event-invalid', `events of ${after.type} that were valid might no longer be`, {
      faults,
    });
}

export const putEventType = (parts: AuthoringParts): Endpoint =>
  endpoint({
    params: Type.Object({ type: Type.String({ maxLength: 128 }) }),
    body: Json,
    action: 'event-type.saved',
    answer: async ({ params, body, caller, audit }) => {
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
      await needKnownAgency(parts.catalogue, type.agency);
      await publishing(parts, async () => {
        await parts.checkEventType(type);
        return async (sql) => {
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
          const object = `event-type:${type.type}`;
          await audit(sql, {
            agency: type.agency,
            object,
            reason: null,
            details: { hash: contentHash(type) },
          });
        };
      });
      parts.logger.info({ caller: id, eventType: type.type, agency: type.agency }, 'event type saved');
      return ok(type);
    },
  });

/** The language of conditions as a JSON Schema. */
export const ruleSchema = (): Endpoint => {
  const schema = languageSchema();
  return endpoint({ answer: async () => ok(schema) });
};

/** What a rule's latest version is, for `If-Match` of what makes a new one. */
async function latestOf(
  sql: Sql,
  rule: string,
): Promise<{ hash: string; shown: { version: number; hash: string; state: string } } | null> {
  const { rows } = await sql.query<{ version: number; hash: string; state: string }>(
    'SELECT version, hash, state FROM rule_versions WHERE rule_id = $1 ORDER BY version DESC LIMIT 1',
    [rule],
  );
  return rows[0] === undefined ? null : { hash: rows[0].hash, shown: rows[0] };
}

/** With `If-Match` the draft is kept only where that is the latest version's ETag. */
export const postRule = ({ pool, catalogue, logger, checkRule, warningsOfRule }: AuthoringParts): Endpoint =>
  endpoint({
    body: Json,
    action: 'rule.drafted',
    answer: async ({ body, caller, audit, ifMatch }) => {
      const rule = await checkRule(body);
      needAgency(caller(), rule.agency);
      await needKnownAgency(catalogue, rule.agency);
      const hash = contentHash(rule);
      const { version } = await transaction(pool, async (sql) => {
        const owner = await ruleOwner(sql, rule.id);
        if (owner !== undefined && owner !== rule.agency)
          throw new AllimError('forbidden', 'the rule belongs to another agency', { ids: { rule: rule.id } });
        checkIfMatch(ifMatch, ifMatch === undefined ? null : await latestOf(sql, rule.id));
        const saved = await saveRuleDraft(sql, rule, hash, caller().id);
        const object = `rule:${rule.id}/${saved.version}`;
        await audit(sql, { agency: rule.agency, object, reason: null, details: { hash } });
        return saved;
      });
      logger.info({ caller: caller().id, rule: rule.id, version }, 'rule drafted');
      return {
        status: 201,
        body: { id: rule.id, version, hash, warnings: warningsOfRule(rule) },
        headers: { etag: etagOf(hash), location: `/api/v1/rules/${rule.id}/versions/${version}` },
      };
    },
  });
