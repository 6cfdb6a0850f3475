/** Problem documents (RFC 9457): the only place that turns an error into an answer. Never a stack, never what a body said. */
import type { FastifyError } from 'fastify';
import { AllimError, type ErrorCode, type Fault } from '../../domain/errors.ts';
import { faultsOf } from '../../domain/event-types.ts';
import { isTransient } from '../../domain/transient.ts';
import { BatchRefused, type Rejection } from '../../producers/http.ts';
import { PreconditionFailed } from './preconditions.ts';

export const STATUS: Readonly<Record<ErrorCode, number>> = {
  'agency-unknown': 422,
  'archive-invalid': 500,
  'broker-unavailable': 503,
  'config-invalid': 500,
  'content-type-unsupported': 415,
  'csrf-missing': 403,
  'event-conflict': 409,
  'event-expired': 422,
  'event-invalid': 422,
  'event-too-old': 422,
  'event-type-refused': 422,
  'event-type-unknown': 422,
  forbidden: 403,
  'identity-unavailable': 503,
  'idempotency-busy': 409,
  'idempotency-conflict': 422,
  'import-invalid': 422,
  'migration-invalid': 500,
  'month-open': 409,
  'not-found': 404,
  'offset-out-of-range': 500,
  'overlay-invalid': 422,
  'payload-too-large': 413,
  'position-fenced': 503,
  'position-gap': 503,
  'precondition-failed': 412,
  'precondition-required': 428,
  'profile-invalid': 422,
  'profile-misplaced': 422,
  'profile-owned': 409,
  'quarantine-closed': 409,
  'queue-unavailable': 503,
  'record-corrupt': 500,
  'record-too-large': 413,
  'request-invalid': 422,
  'request-malformed': 400,
  'rule-conflict': 409,
  'rule-invalid': 422,
  'seal-key-unknown': 500,
  'sign-in-failed': 400,
  'sign-in-refused': 403,
  'snapshot-invalid': 500,
  'source-foreign': 422,
  'store-unavailable': 503,
  'template-conflict': 409,
  'template-failed': 500,
  'template-invalid': 422,
  'too-many-requests': 429,
  'topic-invalid': 500,
  unauthorized: 401,
};

const TITLE: Readonly<Record<number, string>> = {
  400: 'The body cannot be read',
  401: 'A credential is needed',
  403: 'The credential may not do this',
  404: 'There is nothing here',
  409: 'This contradicts what is known',
  412: 'It has been changed meanwhile',
  413: 'The body is too large',
  415: 'The body is of a kind that is not read here',
  422: 'The content is not valid',
  428: 'Say which state is to be changed',
  429: 'Too many calls',
  500: 'Something went wrong here',
  503: 'Not available now; try again',
};

export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode | 'internal';
  /** The request's id, under which the log has it. */
  readonly instance: string;
  readonly faults?: readonly Fault[];
  /** Of a batch: each event with its place. */
  readonly rejected?: readonly Rejection[];
  /** Of a precondition that failed: what is there now. */
  readonly current?: unknown;
};

/** Fastify's own refusals, in our words. */
const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'content-type-unsupported',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'request-malformed',
  FST_ERR_CTP_EMPTY_TYPE: 'content-type-unsupported',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'request-malformed',
  FST_ERR_CTP_INVALID_JSON_BODY: 'request-malformed',
  FST_ERR_BAD_URL: 'request-malformed',
  FST_ERR_MAX_PARAM_LENGTH: 'request-malformed',
};
/** Where Fastify's own message quotes what was sent. */
const FASTIFY_MESSAGES: Readonly<Record<string, string>> = {
  FST_ERR_MAX_PARAM_LENGTH: 'a part of the path is too long',
};

/** Any thrown thing as one of ours; null for what is a fault of ours. */
export function asAllimError(error: unknown): AllimError | null {
  if (error instanceof AllimError) return error;
  const { code, validation, validationContext } = error as Partial<FastifyError>;
  if (validation !== undefined) {
    const prefix =
      validationContext === 'body' || validationContext === undefined ? '' : `/${validationContext}`;
    const faults = faultsOf(validation as Parameters<typeof faultsOf>[0], prefix);
    return new AllimError(
      'request-invalid',
      `the request is not valid: ${faults.map((fault) => `${fault.pointer || '/'} ${fault.message}`).join('; ')}`,
      { faults },
    );
  }
  const known = code === undefined ? undefined : FASTIFY_CODES[code];
  if (known !== undefined)
    return new AllimError(known, FASTIFY_MESSAGES[code ?? ''] ?? (error as Error).message);
  if (isTransient(error))
    return new AllimError('store-unavailable', 'the database is not available', { cause: error });
  return null;
}

export function problemOf(error: AllimError | null, requestId: string): Problem {
  const status = error === null ? 500 : STATUS[error.code];
  const code = error?.code ?? 'internal';
  return {
    type: `urn:allim:problem:${code}`,
    title: TITLE[status] ?? 'Something went wrong here',
    status,
    detail: error === null ? 'The fault is ours; the log has it under the instance.' : error.message,
    code,
    instance: requestId,
    ...(error !== null && error.faults.length > 0 ? { faults: error.faults } : {}),
    ...(error instanceof BatchRefused ? { rejected: error.rejected } : {}),
    ...(error instanceof PreconditionFailed ? { current: error.current } : {}),
  };
}
