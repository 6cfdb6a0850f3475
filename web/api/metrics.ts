/**
 * `GET /metrics`, and the timing of every answer. Callers show the token of the metrics or the administrator's; without a token set, who
 * calls from this machine itself is answered too, but not through a proxy on it: what a proxy forwards comes from anywhere.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AllimError } from '../../domain/errors.ts';
import type { Metrics } from '../../domain/metrics.ts';

export type MetricsParts = {
  readonly metrics: Metrics & { render(): Promise<{ readonly text: string; readonly contentType: string }> };
  /** null: callers on this machine need none. */
  readonly token: string | null;
  readonly administratorToken: string;
};

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/;
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'] as const;

const same = (a: string, b: string): boolean =>
  timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());

function onThisMachine(request: FastifyRequest): boolean {
  return (
    LOOPBACK.test(request.socket.remoteAddress ?? '') &&
    FORWARDED.every((name) => request.headers[name] === undefined)
  );
}

export function mountMetrics(app: FastifyInstance, parts: MetricsParts): void {
  const { metrics, token, administratorToken } = parts;

  function mayRead(request: FastifyRequest): boolean {
    const [, given] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? [];
    if (given !== undefined) return same(given, administratorToken) || (token !== null && same(given, token));
    return token === null && onThisMachine(request);
  }

  app.addHook('onResponse', async (request, reply) => {
    const { method } = request;
    // Of the table of routes, never the address that was asked for.
    const route = request.routeOptions.url ?? 'none';
    metrics.observe(
      'http_request_seconds',
      { method: route === 'none' ? 'any' : method, route, status: String(reply.statusCode) },
      reply.elapsedTime / 1_000,
    );
  });
  app.get('/metrics', { config: { permission: 'public' } }, async (request, reply) => {
    if (!mayRead(request)) {
      reply.header('www-authenticate', 'Bearer');
      throw new AllimError(
        'unauthorized',
        'metrics are for callers on this machine, or with ALLIM_METRICS_TOKEN: Authorization: Bearer …',
      );
    }
    const { text, contentType } = await metrics.render();
    return reply.type(contentType).send(text);
  });
}
