/** Holds every good answer that a test gets against what the OpenAPI document says of its route. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { FastifyInstance } from 'fastify';
import { answerOf } from '../../web/api/answers.ts';

const ajv = new Ajv2020({ strict: false, validateFormats: false });

export function holdAnswers(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const { url, config } = request.routeOptions;
    if (url === undefined || !url.startsWith('/api/') || config.permission === undefined) return payload;
    if (reply.statusCode >= 300 || typeof payload !== 'string') return payload;
    const { body, status, type = 'application/json' } = answerOf(request.method, url);
    // 200 beside 201: what was there before; 207: some of a batch.
    if (body === undefined || type !== 'application/json' || ![status, 200, 207].includes(reply.statusCode))
      return payload;
    if (!ajv.validate(body, JSON.parse(payload)))
      throw new Error(
        `${request.method} ${url} answers other than answers.ts says: ${ajv.errorsText()}\n${payload}`,
      );
    return payload;
  });
}
