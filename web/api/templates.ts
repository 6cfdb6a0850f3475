/**
 * Words that agencies write. In production a version is a draft until another person approves exactly its content, as a rule is; elsewhere
 * it goes live when it is saved.
 */
import { Type } from 'typebox';
import { AllimError } from '../../domain/errors.ts';
import { needAgency } from '../../producers/credential.ts';
import {
  publishTemplate,
  saveTemplateDraft,
  templateOwner,
  templateVersion,
} from '../../store/template-versions.ts';
import { type AuthoringParts, needKnownAgency, publishing } from './authoring.ts';
import { type Endpoint, endpoint, ok } from './endpoint.ts';

const NAME = '^[a-z][a-z0-9-]{0,63}$';
const AGENCY_ID = '^[a-z][a-z0-9-]{0,31}$';

export const putTemplate = (parts: AuthoringParts): Endpoint =>
  endpoint({
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
    answer: async ({ params: { name }, body, caller }) => {
      const { agency, files } = body;
      const author = caller().id;
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
          const draft = await saveTemplateDraft(sql, { name, hash, agency, definition, author });
          if (parts.production) return { ...draft, hash };
          await publishTemplate(sql, name, draft.version, author);
          return { ...draft, state: 'published', live: true, hash };
        };
      });
      parts.logger.info(
        { caller: author, template: name, version: saved.version, live: saved.live },
        'template saved',
      );
      return ok({ name, ...saved });
    },
  });

export const approveTemplate = (parts: AuthoringParts): Endpoint =>
  endpoint({
    params: Type.Object({
      name: Type.String({ pattern: NAME }),
      v: Type.String({ pattern: '^[1-9][0-9]{0,8}$' }),
    }),
    body: Type.Object(
      { hash: Type.String({ minLength: 1, maxLength: 64 }) },
      { additionalProperties: false },
    ),
    answer: async ({ params, body, caller }) => {
      const ids = { template: params.name, version: Number(params.v) };
      const approver = caller().id;
      await publishing(parts, async () => {
        // Versions do not change, so what is read here is what goes live.
        const version = await templateVersion(parts.pool, ids.template, ids.version);
        if (version === undefined)
          throw new AllimError('not-found', 'there is no such version of the template', { ids });
        needAgency(caller(), version.agency);
        if (parts.production && version.author === approver)
          throw new AllimError('forbidden', 'another person approves what one wrote', { ids });
        if (version.hash !== body.hash)
          throw new AllimError('template-conflict', 'the version has another content', {
            ids,
            faults: [{ pointer: '/hash', message: 'is not that of the version' }],
          });
        await parts.recheckTemplate(ids.template, version.definition);
        return (sql) => publishTemplate(sql, ids.template, ids.version, approver);
      });
      parts.logger.info({ caller: approver, ...ids }, 'template approved');
      return ok({ name: ids.template, version: ids.version, state: 'published', live: true });
    },
  });
