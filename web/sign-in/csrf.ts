/**
 * A form elsewhere must not act with our visitor's cookie: whatever changes something with a session brings the session's own token, in
 * the header `x-allim-csrf` or the form field `_csrf`. It stays the same for as long as the session lives, so that a page that is open
 * for hours still works. A key needs none: no browser sends it by itself.
 */
import { timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { AllimError } from '../../domain/errors.ts';

export const CSRF_HEADER = 'x-allim-csrf';
export const CSRF_FIELD = '_csrf';

declare module 'fastify' {
  interface FastifyRequest {
    /** Of the session; null without one. */
    csrfToken: string | null;
  }
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/** For `<meta name="allim-csrf">` and hidden form fields; empty where nobody is signed in. */
export function csrfOf(request: Pick<FastifyRequest, 'csrfToken'>): string {
  return request.csrfToken ?? '';
}

/**
 * Throws `csrf-missing` where a method that changes something comes with a session and without its token. Takes the field out of the
 * body, which is read by then: schemas need not know it.
 */
export function checkCsrf(request: FastifyRequest): void {
  const form = request.body as Record<string, unknown> | null | undefined;
  const given = request.headers[CSRF_HEADER] ?? fieldOf(form);
  if (request.csrfToken === null || SAFE.has(request.method)) return;
  // What browsers say about themselves cannot be forged by a page (Fetch Metadata); other callers do not send it.
  const site = request.headers['sec-fetch-site'];
  const elsewhere = site !== undefined && site !== 'same-origin' && site !== 'none';
  if (elsewhere || typeof given !== 'string' || !same(given, request.csrfToken))
    throw new AllimError(
      'csrf-missing',
      `the page is out of date: load it again (${CSRF_HEADER} or ${CSRF_FIELD})`,
    );
}

function fieldOf(form: Record<string, unknown> | null | undefined): unknown {
  if (form === null || typeof form !== 'object' || !Object.hasOwn(form, CSRF_FIELD)) return undefined;
  const value = form[CSRF_FIELD];
  delete form[CSRF_FIELD];
  return value;
}

function same(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}
