/**
 * `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): what a caller repeats because they heard no answer is done once, and
 * answered the same for a day. While the first is under way the second is told so; another body under the same key is refused. What was
 * refused did nothing, so its key is free again. Not covered: a process that dies after the work was committed and before the answer was
 * kept; a minute later the key may be used again.
 */
import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { FastifyRequest } from 'fastify';
import { AllimError } from '../../domain/errors.ts';
import type { Sealer } from '../../domain/sealing.ts';
import type { SqlPool } from '../../domain/sql.ts';
import { beginOnce, endOnce, letGo } from '../../store/idempotency.ts';
import type { Answer } from './endpoint.ts';

export type IdempotencyParts = { readonly pool: SqlPool; readonly sealer: Sealer };

/** Visible ASCII: a quoted string of the draft is taken as it stands. */
const KEY = /^[\x21-\x7e]{1,128}$/;

export async function once(
  { pool, sealer }: IdempotencyParts,
  request: FastifyRequest,
  key: string,
  caller: string,
  work: () => Promise<Answer>,
): Promise<Answer> {
  if (!KEY.test(key))
    throw new AllimError('request-invalid', 'an Idempotency-Key has 1 to 128 visible characters', {
      faults: [{ pointer: '/headers/idempotency-key', message: 'must have 1 to 128 visible characters' }],
    });
  const of = { caller, key };
  const asked = `${request.method} ${request.url}\n${canonicalize(request.body ?? null) ?? ''}`;
  const begun = await beginOnce(pool, sealer, of, hash('sha256', asked, 'buffer'));
  switch (begun.state) {
    case 'busy':
      throw new AllimError('idempotency-busy', 'the request with this Idempotency-Key is under way');
    case 'other':
      throw new AllimError('idempotency-conflict', 'this Idempotency-Key was used for another request');
    case 'answered':
      return { ...begun.answer, headers: { ...begun.answer.headers, 'idempotency-replayed': 'true' } };
  }
  let answer: Answer;
  try {
    answer = await work();
  } catch (error) {
    await letGo(pool, of).catch(() => undefined);
    throw error;
  }
  await endOnce(pool, sealer, of, {
    status: answer.status,
    body: answer.body,
    headers: answer.headers ?? {},
  });
  return answer;
}
