/** The head of a stream of events (server-sent events), with the headers of every answer, and a session's new cookie where it is due. */
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

export function openStream(reply: FastifyReply): ServerResponse {
  const headers = reply.getHeaders();
  reply.hijack();
  reply.raw.writeHead(200, {
    ...(headers as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    // Proxies that gather an answer would hold it back for ever.
    'x-accel-buffering': 'no',
  });
  return reply.raw;
}
