/**
 * Where a rules process takes questions: HTTP on an address of its own, which it reports to the ledger (store/rules-processes.ts), the same
 * whether `web` runs in this process or on another machine (docs/adr/0022). A body is sealed with the installation's key, and so is the answer:
 * what cannot be opened gets no answer, and whoever listens reads nothing. One question at a time runs; others wait their turn.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AllimError, messageOf } from '../../domain/errors.ts';
import type { Logger } from '../../domain/logger.ts';
import type { Sealer } from '../../domain/sealing.ts';
import type { ProcessAnswer, Question } from './question.ts';

export const QUESTION_PATH = '/questions';
export const SEALED_QUESTION = 'rules-question';
export const SEALED_ANSWER = 'rules-answer';

/** A question with an event type's schema is some kilobytes, one with ten thousand pairs a megabyte. */
const BODY_BYTES = 16 * 1_048_576;
const BODY_MS = 10_000;
/** Somebody who listened could send a question again; they cannot read what comes back, and after this it is not even computed. */
const FRESH_MS = 60_000;
const WAITING = 64;

export type SealedQuestion = { readonly askedAtMs: number; readonly question: Question };
/** What came out, or why not, in terms that `web` can repeat. */
export type Reply =
  | { readonly answer: ProcessAnswer }
  | { readonly error: Pick<AllimError, 'code' | 'message' | 'faults'> };

export type QuestionServerParts = {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly sealer: Sealer;
  readonly clock: { nowMs(): number };
  readonly logger: Logger;
  readonly answer: (question: Question, signal: AbortSignal) => Promise<ProcessAnswer>;
};

export type QuestionServer = {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** After start. */
  url(): string;
};

export function createQuestionServer(parts: QuestionServerParts): QuestionServer {
  let server: Server | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  async function inTurn(question: Question, signal: AbortSignal): Promise<ProcessAnswer> {
    if (waiting >= WAITING)
      throw new AllimError('too-many-requests', 'too many questions wait for these shards');
    waiting++;
    const before = turn;
    const mine = (async () => {
      await before;
      signal.throwIfAborted();
      return parts.answer(question, signal);
    })().finally(() => waiting--);
    turn = mine.catch(() => {});
    return mine;
  }

  async function replyTo(body: Buffer, signal: AbortSignal): Promise<Reply> {
    try {
      const { question, askedAtMs } = JSON.parse(
        parts.sealer.open(SEALED_QUESTION, body).toString('utf8'),
      ) as SealedQuestion;
      if (Math.abs(parts.clock.nowMs() - askedAtMs) > FRESH_MS)
        throw new AllimError('request-invalid', 'the question is too old, or a clock is wrong');
      return { answer: await inTurn(question, signal) };
    } catch (error) {
      if (!(error instanceof AllimError)) throw error;
      const { code, message, faults } = error;
      return { error: { code, message, faults } };
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    if (request.method !== 'POST' || request.url !== QUESTION_PATH) {
      response.writeHead(404).end();
      return;
    }
    try {
      const reply = await replyTo(await bodyOf(request), gone.signal);
      const sealed = parts.sealer.seal(SEALED_ANSWER, JSON.stringify(reply));
      // A connection kept for later may be closed here in the moment in which the next question is written to it.
      response
        .writeHead(200, { 'content-type': 'application/octet-stream', connection: 'close' })
        .end(sealed);
    } catch (error) {
      if (gone.signal.aborted) return;
      // Sealed under another key, or no question at all: nothing is said about it.
      parts.logger.warn({ error: messageOf(error) }, 'a question to the shards was not answered');
      response.writeHead(400).end();
    }
  }

  return {
    async start() {
      if (server !== undefined) return;
      const made = createServer({ requestTimeout: BODY_MS }, (request, response) => {
        void handle(request, response);
      });
      await new Promise<void>((resolve, reject) => {
        made.once('error', reject);
        made.listen(parts.port, parts.host, resolve);
      });
      server = made;
    },
    async stop() {
      const stopping = server;
      server = undefined;
      if (stopping === undefined) return;
      await new Promise<void>((resolve) => {
        stopping.close(() => resolve());
        stopping.closeAllConnections();
      });
    },
    url() {
      const address = server?.address() as AddressInfo | null | undefined;
      if (address == null) throw new Error('questions are not taken yet');
      const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
      return `http://${host}:${address.port}`;
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES) throw new AllimError('payload-too-large', 'the question is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
