/**
 * Events over HTTP: `POST /api/v1/events` (CONTRACTS, "An event"). A plugin that `web` mounts and that the role `producers` serves alone.
 * Guarantees: what is answered as accepted is committed, and the relay brings it to the log even if this process dies; each event of a batch
 * is judged on its own, and (source, id) makes sending it again harmless. It never waits for the log, and never logs what an event says.
 */
import type { Readable } from 'node:stream';
import type { FastifyPluginAsync, FastifyReply } from 'fastify';
import { AllimError, type ErrorCode, type Fault } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import { createBacklog } from './backlog.ts';
import { type Credential, callerOf } from './credential.ts';
import { BATCH_MEDIA_TYPE, modeOf, readBatch, readSingle, SINGLE_MEDIA_TYPES } from './event-bodies.ts';
import { createEventIntake, type EventIntake, type EventIntakeParts } from './event-intake.ts';

export type EventsOverHttp = Omit<EventIntakeParts, 'backlog'> & {
  readonly logger: Logger;
  readonly backlog?: EventIntakeParts['backlog'];
};

export const MAX_EVENTS_BODY_BYTES = 1_048_576;
const RETRY_AFTER_S = 2;
/** Faults of one refused event; of every one after the first thousand, one. The answer stays at a few MB. */
const MAX_FAULTS_AN_EVENT = 10;
const FULLY_TOLD = 1_000;

export type Rejection = {
  /** Its place in the batch, from 0. */
  readonly index: number;
  readonly source?: string;
  readonly id?: string;
  readonly code: ErrorCode;
  readonly detail: string;
  /** Pointers into the batch: `/17/data/amount`. */
  readonly faults: readonly Fault[];
};
export type BatchAnswer = {
  readonly accepted: readonly { readonly source: string; readonly id: string }[];
  readonly rejected: readonly Rejection[];
};

/** Nothing of a batch could be taken. The answer tells every refusal, as that of a batch taken in part does. */
export class BatchRefused extends AllimError {
  readonly rejected: readonly Rejection[];
  constructor(rejected: readonly Rejection[]) {
    super('event-invalid', `none of the ${rejected.length} events of the batch could be taken`, {
      faults: rejected.flatMap(({ faults }) => faults),
    });
    this.rejected = rejected;
  }
}

export const eventsOverHttp: FastifyPluginAsync<EventsOverHttp> = async (app, parts) => {
  const intake = createEventIntake({ ...parts, backlog: parts.backlog ?? createBacklog(parts) });
  // Raw bytes: the content type decides what they are, and bytes that are no UTF-8 are refused instead of replaced.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    [...SINGLE_MEDIA_TYPES],
    { parseAs: 'buffer', bodyLimit: MAX_EVENTS_BODY_BYTES },
    (_request, body, done) => done(null, body),
  );
  app.addContentTypeParser(BATCH_MEDIA_TYPE, (_request, body, done) => done(null, body));
  app.route({
    method: 'POST',
    url: '/api/v1/events',
    config: { permission: 'events' },
    handler: async (request, reply) => {
      const caller = callerOf(request);
      admit(intake, caller, reply);
      if (modeOf(request.headers) === 'batch') {
        const answer = await takeBatch(intake, caller, request.body as Readable);
        parts.logger.debug(
          { caller: caller.id, events: answer.accepted.length, rejected: answer.rejected.length },
          'batch judged',
        );
        if (answer.accepted.length === 0 && answer.rejected.length > 0)
          throw new BatchRefused(answer.rejected);
        return reply.code(answer.rejected.length === 0 ? 202 : 207).send(answer);
      }
      const body = request.body instanceof Uint8Array ? request.body : new Uint8Array();
      const [outcome] = await intake.take(caller, [{ value: readSingle(request.headers, body) }]);
      if (outcome === undefined || 'error' in outcome) throw outcome?.error;
      parts.logger.debug({ caller: caller.id, events: 1 }, 'event accepted');
      return reply.code(202).send({ accepted: [outcome] });
    },
  });
};

function admit(intake: EventIntake, caller: Credential, reply: FastifyReply): void {
  try {
    intake.admit(caller);
  } catch (error) {
    reply.header('retry-after', RETRY_AFTER_S);
    throw error;
  }
}

/** Slice after slice; while one is being committed nothing more is read, so a sender is as fast as the database. */
async function takeBatch(intake: EventIntake, caller: Credential, body: Readable): Promise<BatchAnswer> {
  const accepted: { source: string; id: string }[] = [];
  const rejected: Rejection[] = [];
  const lookedUp = { done: false };
  let index = 0;
  for await (const slice of readBatch(body)) {
    // What is no array at all is refused as a whole.
    const [only] = slice;
    if (index === 0 && slice.length === 1 && only !== undefined && 'error' in only && isWhole(only.error))
      throw only.error;
    for (const outcome of await intake.take(caller, slice, lookedUp)) {
      if ('error' in outcome) rejected.push(rejection(index, outcome, rejected.length));
      else accepted.push(outcome);
      index++;
    }
  }
  return { accepted, rejected };
}

/** The array is at fault, not one of its events. */
function isWhole(error: AllimError): boolean {
  return error.code === 'request-malformed' && error.message.startsWith('the batch');
}

function rejection(
  index: number,
  { error, ...names }: { error: AllimError; source?: string; id?: string },
  before: number,
): Rejection {
  const faults = error.faults.length > 0 ? error.faults : [{ pointer: '', message: error.message }];
  return {
    index,
    ...names,
    code: error.code,
    detail: error.message.slice(0, 300),
    faults: faults
      .slice(0, before < FULLY_TOLD ? MAX_FAULTS_AN_EVENT : 1)
      .map(({ pointer, message }) => ({ pointer: `/${index}${pointer}`, message: message.slice(0, 300) })),
  };
}
