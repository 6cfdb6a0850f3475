/**
 * Events over HTTP: `POST /api/v1/events` (CONTRACTS, "An event"). A plugin that `web` mounts and that the role `producers` serves alone.
 * Guarantees: 202 means committed, and the relay brings it to the log even if this process dies; a batch is taken whole or not at all.
 * It never waits for the log, and never logs what an event says.
 */
import type { FastifyPluginAsync } from 'fastify';
import type { Logger } from '../domain/logger.ts';
import { callerOf } from './credential.ts';
import { EVENT_MEDIA_TYPES, readEventBody } from './event-bodies.ts';
import { type EventIntakeParts, takeIn } from './event-intake.ts';

export type EventsOverHttp = EventIntakeParts & { readonly logger: Logger };

export const MAX_EVENTS_BODY_BYTES = 1_048_576;

export const eventsOverHttp: FastifyPluginAsync<EventsOverHttp> = async (app, parts) => {
  // Raw bytes: the content type decides what they are, and bytes that are no UTF-8 are refused instead of replaced.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    [...EVENT_MEDIA_TYPES],
    { parseAs: 'buffer', bodyLimit: MAX_EVENTS_BODY_BYTES },
    (_request, body, done) => done(null, body),
  );
  app.route({
    method: 'POST',
    url: '/api/v1/events',
    config: { permission: 'events' },
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const body = readEventBody(
        request.headers,
        request.body instanceof Uint8Array ? request.body : new Uint8Array(),
      );
      const accepted = await takeIn(parts, caller, body);
      parts.logger.debug({ caller: caller.id, events: accepted.length }, 'events accepted');
      return reply.code(202).send({ accepted });
    },
  });
};
