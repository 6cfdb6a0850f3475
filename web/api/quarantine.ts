/** Quarantined records, one at a time; the list is in reading.ts. What a record says is shown to whoever may publish for its agency. */
import { Type } from 'typebox';
import { transaction } from '../../domain/sql.ts';
import {
  dropQuarantined,
  type QuarantineParts,
  retryQuarantined,
  showQuarantined,
} from '../../producers/quarantine.ts';
import type { QuarantineCase } from '../../store/quarantine-cases.ts';
import { type Endpoint, endpoint, ok } from './endpoint.ts';

const IdParams = Type.Object({
  id: Type.String({ pattern: '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$' }),
});

/** A value that is text is shown as text, so that it can be mended; anything else as base64. */
export function readable({ record, ...rest }: QuarantineCase): unknown {
  const { key, headers, value } = record;
  const text = value?.toString('utf8');
  const isText = value == null || Buffer.from(text ?? '', 'utf8').equals(value);
  return {
    ...rest,
    record: { key, headers, ...(isText ? { value: text ?? null } : { base64: value.toString('base64') }) },
  };
}

export const getQuarantined = (parts: QuarantineParts): Endpoint =>
  endpoint({
    action: 'quarantine.looked-at',
    params: IdParams,
    answer: async ({ params, caller, audit }) => {
      const kept = await showQuarantined(parts, caller(), params.id);
      // What a record says may be about somebody: whoever looks is written down before they see it.
      await transaction(parts.pool, (sql) => audit(sql, { agency: kept.agency }));
      return ok(readable(kept));
    },
  });

/** The body is optional: `{ "event": … }` or `{ "profile": … }` is sent instead of the record. */
export const postRetry = (parts: QuarantineParts): Endpoint =>
  endpoint({
    action: 'quarantine.retried',
    params: IdParams,
    body: Type.Union([
      Type.Null(),
      Type.Object(
        {
          event: Type.Optional(Type.Object({}, { additionalProperties: true })),
          profile: Type.Optional(Type.Object({}, { additionalProperties: true })),
        },
        { additionalProperties: false, maxProperties: 1 },
      ),
    ]),
    answer: async ({ params, body, caller, audit }) => {
      const mended = body?.event ?? body?.profile;
      const details = { mended: mended !== undefined };
      return ok({
        id: params.id,
        state: 'retried',
        ...(await retryQuarantined(parts, caller(), params.id, mended, (sql, { agency }) =>
          audit(sql, { agency, details }),
        )),
      });
    },
  });

export const postDrop = (parts: QuarantineParts): Endpoint =>
  endpoint({
    action: 'quarantine.dropped',
    params: IdParams,
    body: Type.Union([
      Type.Null(),
      Type.Object({ reason: Type.String({ minLength: 1, maxLength: 200 }) }, { additionalProperties: false }),
    ]),
    answer: async ({ params, caller, audit }) => {
      await dropQuarantined(parts, caller(), params.id, (sql, { agency }) => audit(sql, { agency }));
      return ok({ id: params.id, state: 'dropped' });
    },
  });
