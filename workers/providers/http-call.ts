/**
 * One HTTP request on a pool of kept connections, for adapters that speak it. Knows what they must know and a client does not tell: whether
 * anything of the request had left when it failed. Redirects are not followed and nothing is repeated: both are the adapter's business.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { LookupFunction, Socket } from 'node:net';
import { mark } from '../../domain/marks.ts';
import type { Verdict } from './calls.ts';

export type HttpCallerOptions = {
  /** Connections, and so calls in flight. */
  readonly window: number;
  readonly connectTimeoutMs: number;
  /** From the last byte sent to the status line. */
  readonly answerTimeoutMs: number;
  /** What is waited for and kept of an answer's body; 0: nothing, and it is settled with the status line. */
  readonly bodyBytes: number;
  readonly lookup?: LookupFunction;
};

export type HttpAnswer = {
  readonly kind: 'answered';
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** null where it was not wanted, too long, too slow or cut off. */
  readonly body: Buffer | null;
  /** The connection, so that two answers on one can be compared. */
  readonly connection: object;
  /** Gives the connection up: what comes on it next may belong to another request. */
  distrust(): void;
};

export type HttpOutcome =
  | HttpAnswer
  /** `mayCall` said no; nothing left. */
  | { readonly kind: 'held' }
  /** `flushed`: the whole request had been handed to the operating system, so it may have been read and done. */
  | { readonly kind: 'failed'; readonly code: string; readonly flushed: boolean };

export type HttpRequest = {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: Buffer | null;
  readonly mayCall: () => boolean;
};

/** Before a byte had left: nothing was handed over. */
export const CONNECTING: Readonly<Record<string, Verdict>> = {
  ECONNREFUSED: 'temporary',
  ECONNRESET: 'temporary',
  EHOSTUNREACH: 'temporary',
  ENETUNREACH: 'temporary',
  ENOTFOUND: 'temporary',
  EAI_AGAIN: 'temporary',
  EMFILE: 'temporary',
  EPIPE: 'temporary',
  EPROTO: 'temporary',
  ETIMEDOUT: 'temporary',
  // Theirs to mend, and they do: nothing is sent to whoever cannot say who they are.
  CERT_HAS_EXPIRED: 'temporary',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'temporary',
  ERR_TLS_CERT_ALTNAME_INVALID: 'temporary',
  SELF_SIGNED_CERT_IN_CHAIN: 'temporary',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'temporary',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'temporary',
};

/** What is read of a body all the same, so that the connection can be used again. */
const DRAINED_BYTES = 4_096;
const BODY_MS = 2_000;

/**
 * Retry-After as seconds or as an HTTP date (RFC 9110 §10.2.3), in milliseconds from now. A date is taken against the `Date` of the same
 * answer where it has one, so that their clock need not agree with ours.
 */
export function retryAfterMs(
  header: string | undefined,
  nowMs: number,
  date?: string | undefined,
): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1_000;
  const at = Date.parse(header);
  const theirs = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(at) ? undefined : Math.max(0, at - (Number.isNaN(theirs) ? nowMs : theirs));
}

/** A short body is read; the far side may be a stranger, and its body need not end. */
function readBody(response: IncomingMessage, wanted: number, done: (body: Buffer | null) => void): void {
  const most = Math.max(wanted, DRAINED_BYTES);
  const chunks: Buffer[] = [];
  let bytes = 0;
  if (wanted === 0) done(null);
  const timer = setTimeout(() => response.destroy(), BODY_MS);
  response
    .on('error', () => {})
    .on('close', () => {
      clearTimeout(timer);
      if (wanted > 0) done(response.complete && bytes <= most ? Buffer.concat(chunks) : null);
    })
    .on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > most) response.destroy();
      else chunks.push(chunk);
    });
}

export function createHttpCaller(options: HttpCallerOptions) {
  const { window, connectTimeoutMs, answerTimeoutMs, bodyBytes } = options;
  const pool = {
    keepAlive: true,
    maxSockets: window,
    maxFreeSockets: window,
    ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
  };
  const https = new HttpsAgent(pool);
  const http = new HttpAgent(pool);

  function call({ url, method, headers, body, mayCall }: HttpRequest): Promise<HttpOutcome> {
    return new Promise((settle) => {
      const secure = url.protocol === 'https:';
      /** Given to the connection, or not: one that was reset while it was idle takes nothing. */
      let given = false;
      let held = false;
      let timer: NodeJS.Timeout | undefined;
      const request = (secure ? httpsRequest : httpRequest)(url, {
        method,
        agent: secure ? https : http,
        headers,
      });
      function limit(ms: number): void {
        clearTimeout(timer);
        timer = setTimeout(
          () => request.destroy(Object.assign(new Error('time-out'), { code: 'ETIMEDOUT' })),
          ms,
        );
      }
      function go(socket: Socket): void {
        held = !mayCall();
        if (held) {
          request.destroy();
          return;
        }
        limit(answerTimeoutMs);
        const before = socket.bytesWritten;
        request.end(body ?? undefined);
        given = socket.bytesWritten > before;
        mark('call:sent');
      }
      limit(connectTimeoutMs);
      request.on('socket', (socket) => {
        if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', () => go(socket));
        else go(socket);
      });
      request.on('response', (response) => {
        clearTimeout(timer);
        const connection = response.socket;
        readBody(response, bodyBytes, (read) =>
          settle({
            kind: 'answered',
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: read,
            connection,
            distrust: () => connection.destroy(),
          }),
        );
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        if (held) return settle({ kind: 'held' });
        // The operating system did not take all of it: what it may have taken is no whole request.
        const refused = error.syscall === 'write';
        return settle({ kind: 'failed', code: error.code ?? 'ESOCKET', flushed: given && !refused });
      });
    });
  }

  return {
    call,
    stop(): void {
      https.destroy();
      http.destroy();
    },
  };
}
