/** Errors as pages: what happened, what was kept, what to do, and the number under which the log has it. Never what an error said. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type AllimError, safeMessage } from '../../domain/errors.ts';
import type { Logger } from '../../domain/logger.ts';
import { asAllimError, problemOf } from '../api/problems.ts';
import { ResidentNumberRefused } from './forms.ts';
import type { Words } from './words.ts';

export type ErrorView = { readonly title: string; readonly text: string; readonly number: string };

const STALE = 'csrf-missing';

export function errorView(error: AllimError | null, status: number, number: string, t: Words): ErrorView {
  const { errors } = t;
  const of = (title: string, text: string): ErrorView => ({ title, text, number });
  if (error instanceof ResidentNumberRefused) return of(errors.invalidTitle, errors.resident);
  if (error?.code === STALE) return of(errors.staleTitle, errors.stale);
  if (status === 404) return of(errors.notFoundTitle, errors.notFound);
  if (status === 403) return of(errors.forbiddenTitle, errors.forbidden);
  if (status === 429 || status === 503) return of(errors.busyTitle, errors.busy);
  if (status < 500) return of(errors.invalidTitle, errors.invalid);
  return of(errors.title, errors.failed);
}

/** For `setErrorHandler` of the part of the server that has pages. `show` writes the page in the reader's language. */
export function errorPages(
  logger: Logger,
  show: (
    request: FastifyRequest,
    reply: FastifyReply,
    status: number,
    view: (t: Words) => ErrorView,
  ) => FastifyReply,
) {
  return async (thrown: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const error = asAllimError(thrown);
    const problem = problemOf(error, request.id);
    const line = {
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      code: problem.code,
      status: problem.status,
    };
    if (problem.status < 500) logger.info(line, 'refused');
    else logger.error({ ...line, err: safeMessage(error?.cause ?? thrown) }, 'failed');
    if (problem.status === 401 && (request.method === 'GET' || request.method === 'HEAD'))
      return reply.redirect(
        `/sign-in?as=citizen&next=${encodeURIComponent(request.url.split('?', 1)[0]!)}`,
        302,
      );
    if (problem.status === 503) reply.header('retry-after', 2);
    return show(request, reply, problem.status, (t) => errorView(error, problem.status, request.id, t));
  };
}
