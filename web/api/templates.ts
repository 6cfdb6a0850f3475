/**
 * Words that agencies write. What a person saves, and in production what anybody saves, is a draft until another person approves exactly its
 * content: with a rule that names it (rule-steps.ts), or by itself. What a key saves elsewhere is live at once.
 */
import { Type } from 'typebox';
import { AllimError } from '../../domain/errors.ts';
import type { Sql } from '../../domain/sql.ts';
import { isOwn, needAgency } from '../../producers/credential.ts';
import {
  findTemplate,
  listTemplates,
  publishTemplate,
  saveTemplateDraft,
  templateOwner,
  templateVersion,
} from '../../store/template-versions.ts';
import { type AuthoringParts, needKnownAgency, publishing } from './authoring.ts';
import { type Endpoint, endpoint, ok } from './endpoint.ts';
import { NAMED, PageQuery, pageOf, readPage } from './paging.ts';
import { checkIfMatch, etagOf, needIfMatch } from './preconditions.ts';

const NAME = '^[a-z][a-z0-9-]{0,63}$';
const AGENCY_ID = '^[a-z][a-z0-9-]{0,31}$';

/** What a template's newest version is: what `If-Match` of a change names. */
async function latestTemplate(sql: Sql, name: string) {
  const latest = (await findTemplate(sql, name))?.versions[0];
  return latest === undefined ? null : { hash: latest.hash, shown: { name, ...latest } };
}

export const getTemplates = ({ pool }: Pick<AuthoringParts, 'pool'>): Endpoint =>
  endpoint({
    query: PageQuery,
    answer: async ({ query, caller }) => {
      const { limit, after } = readPage(query, NAMED);
      const { rows, next } = pageOf(await listTemplates(pool, caller().agency, after, limit + 1), limit);
      return ok({ templates: rows.map(({ id: _, at, ...row }) => ({ ...row, changedAt: at })), next });
    },
  });

/** With the texts of its newest version. Shared ones everybody may read. */
export const getTemplate = ({ pool }: Pick<AuthoringParts, 'pool'>): Endpoint =>
  endpoint({
    params: Type.Object({ name: Type.String({ pattern: NAME }) }),
    answer: async ({ params, caller }) => {
      const found = await findTemplate(pool, params.name);
      const { agency } = caller();
      if (found === undefined || (agency !== null && found.agency !== null && found.agency !== agency))
        throw new AllimError('not-found', 'there is no such template', { ids: { template: params.name } });
      return { ...ok(found), headers: { etag: etagOf(found.versions[0]?.hash ?? '') } };
    },
  });

export const putTemplate = (parts: AuthoringParts): Endpoint =>
  endpoint({
    action: 'template.saved',
    params: Type.Object({ name: Type.String({ pattern: NAME }) }),
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
    answer: async ({ params: { name }, body, caller, audit, ifMatch, isPerson }) => {
      const { agency, files } = body;
      const author = caller().id;
      const waits = parts.production || isPerson();
      needAgency(caller(), agency);
      if (agency !== null) await needKnownAgency(parts.catalogue, agency);
      const saved = await publishing(parts, async () => {
        const { hash, definition } = await parts.checkTemplate(name, files);
        return async (sql) => {
          const owner = await templateOwner(sql, name);
          if (owner !== undefined && owner !== agency)
            throw new AllimError('forbidden', 'the template belongs to another agency', {
              ids: { template: name },
            });
          const latest = await latestTemplate(sql, name);
          // A person writes over what they read; an agency's system may know its files by itself.
          if (latest !== null && isPerson()) needIfMatch(ifMatch);
          checkIfMatch(ifMatch, latest);
          const draft = await saveTemplateDraft(sql, { name, hash, agency, definition, author });
          if (!waits) await publishTemplate(sql, name, draft.version, author);
          const live = !waits || draft.live;
          const object = `template:${name}/${draft.version}`;
          await audit(sql, { agency, object, details: { hash, live } });
          return waits ? { ...draft, hash } : { ...draft, state: 'published', live, hash };
        };
      });
      parts.logger.info(
        { caller: author, template: name, version: saved.version, live: saved.live },
        'template saved',
      );
      return { ...ok({ name, ...saved }), headers: { etag: etagOf(saved.hash) } };
    },
  });

export const approveTemplate = (parts: AuthoringParts): Endpoint =>
  endpoint({
    action: 'template.approved',
    params: Type.Object({
      name: Type.String({ pattern: NAME }),
      v: Type.String({ pattern: '^[1-9][0-9]{0,8}$' }),
    }),
    body: Type.Object(
      { hash: Type.String({ minLength: 1, maxLength: 64 }) },
      { additionalProperties: false },
    ),
    answer: async ({ params, body, caller, audit, isPerson }) => {
      const ids = { template: params.name, version: Number(params.v) };
      const approver = caller().id;
      await publishing(parts, async () => {
        // Versions do not change, so what is read here is what goes live.
        const version = await templateVersion(parts.pool, ids.template, ids.version);
        if (version === undefined || !(version.agency === null || isOwn(caller(), version.agency)))
          throw new AllimError('not-found', 'there is no such version of the template', { ids });
        // Shared ones everybody may read, and nobody but the platform approves.
        needAgency(caller(), version.agency);
        if ((parts.production || isPerson()) && version.writers.includes(approver))
          throw new AllimError('forbidden', 'another person approves what one wrote', { ids });
        if (version.hash !== body.hash)
          throw new AllimError('template-conflict', 'the version has another content', {
            ids,
            faults: [{ pointer: '/hash', message: 'is not that of the version' }],
          });
        // Whoever wrote on, or took it back, no longer means these words; older ones that were live once may come back.
        if (version.state === 'draft' && !version.newest)
          throw new AllimError('template-conflict', 'another version was saved since', {
            ids,
            faults: [{ pointer: '/hash', message: 'is no longer the newest' }],
          });
        await parts.recheckTemplate(ids.template, version.definition);
        return async (sql) => {
          await publishTemplate(sql, ids.template, ids.version, approver);
          await audit(sql, { agency: version.agency, details: { hash: body.hash } });
        };
      });
      parts.logger.info({ caller: approver, ...ids }, 'template approved');
      return ok({ name: ids.template, version: ids.version, state: 'published', live: true });
    },
  });
