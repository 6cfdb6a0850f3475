/**
 * One HTTP request on a pool of kept connections, for adapters that speak it. Knows what they must know and a client does not tell: whether
 * anything of the request had left when it failed. Redirects are not followed and nothing is repeated: both are the adapter's business.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { LookupFunction, Socket } from 'node:net';
import { buildConnector, Client, type Dispatcher } from 'undici';
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
  readonly headers: IncomingHttpHeaders;
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
  readonly headers: Readonly<Record<string, string>>;
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
/** How long a connection is kept without a call, where the server does not say less. */
const KEPT_MS = 60_000;

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

/** undici's own codes of a connection that went away. */
const GONE = new Set(['UND_ERR_SOCKET', 'UND_ERR_DESTROYED', 'UND_ERR_CLOSED']);

function codeOf(error: NodeJS.ErrnoException): string {
  const code = error.code ?? 'ESOCKET';
  return GONE.has(code) ? 'ECONNRESET' : code;
}

const timeout = () => Object.assign(new Error('time-out'), { code: 'ETIMEDOUT' });

/** A client of one connection, and what of it undici does not tell: the socket that it has now. */
type Line = { readonly client: Client; socket: Socket | undefined };

/** One request on a line of its own, from its start to the end of the answer's body. */
class Exchange implements Dispatcher.DispatchHandler {
  /** Has come to the socket: bytes leave from here on. Set before the first, so that nothing that left is taken for held back. */
  #given = false;
  #held = false;
  #settled = false;
  #controller: Dispatcher.DispatchController | undefined;
  #timer: NodeJS.Timeout;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #chunks: Buffer[] = [];
  #bytes = 0;
  readonly #line: Line;
  readonly #mayCall: () => boolean;
  readonly #options: HttpCallerOptions;
  readonly #settle: (outcome: HttpOutcome | Promise<never>) => void;
  readonly #done: (usable: boolean) => void;

  constructor(
    line: Line,
    mayCall: () => boolean,
    options: HttpCallerOptions,
    settle: (outcome: HttpOutcome | Promise<never>) => void,
    done: (usable: boolean) => void,
  ) {
    this.#line = line;
    this.#mayCall = mayCall;
    this.#options = options;
    this.#settle = settle;
    this.#done = done;
    this.#timer = this.#limit(options.connectTimeoutMs);
  }

  /** The next thing must have come by then. */
  #limit(ms: number): NodeJS.Timeout {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#controller === undefined) void this.#line.client.destroy(timeout());
      else this.#controller.abort(timeout());
    }, ms);
    return this.#timer;
  }

  #answered(body: Buffer | null): void {
    if (this.#settled) return;
    this.#settled = true;
    const { client, socket } = this.#line;
    this.#settle({
      kind: 'answered',
      status: this.#status,
      headers: this.#headers,
      body,
      connection: socket ?? client,
      distrust: () => this.#done(false),
    });
  }

  /** Called in the breath in which the request is written. Once: one that may have left is not written again. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    const again = this.#controller !== undefined;
    this.#controller = controller;
    this.#held = !again && !this.#mayCall();
    if (again || this.#held) {
      controller.abort(new Error(again ? 'written before' : 'held'));
      return;
    }
    this.#given = true;
    this.#limit(this.#options.answerTimeoutMs);
  }

  onRequestSent(): void {
    mark('call:sent');
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    this.#limit(BODY_MS);
    if (this.#options.bodyBytes === 0) this.#answered(null);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > Math.max(this.#options.bodyBytes, DRAINED_BYTES))
      controller.abort(new Error('the body is too long'));
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    clearTimeout(this.#timer);
    this.#answered(this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks));
    // undici closes in this breath what is not to be kept.
    queueMicrotask(() => this.#done(this.#line.socket?.destroyed === false));
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: NodeJS.ErrnoException): void {
    clearTimeout(this.#timer);
    // What comes on the connection after this would be nobody's.
    this.#done(false);
    if (this.#status > 0) this.#answered(null);
    if (this.#settled) return;
    this.#settled = true;
    // The operating system did not take all of it: what it may have taken is no whole request.
    const refused = error.syscall === 'write';
    if (this.#held) this.#settle({ kind: 'held' });
    // A header that cannot be written, say: a fault of ours.
    else if (error.code === 'UND_ERR_INVALID_ARG') this.#settle(Promise.reject(error));
    else this.#settle({ kind: 'failed', code: codeOf(error), flushed: this.#given && !refused });
  }
}

/** The lines to one origin. No call waits in undici's queue: it is given to a line on which nothing is under way, or waits for one here. */
type Origin = { readonly idle: Line[]; open: number; readonly waiting: ((line: Line) => void)[] };

export function createHttpCaller(options: HttpCallerOptions) {
  const origins = new Map<string, Origin>();
  const lines = new Set<Line>();
  const dial = buildConnector({
    allowH2: false,
    // Ours covers the name's lookup and the greeting too.
    timeout: 0,
    ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
  });

  function open(name: string, origin: Origin): Line {
    const line: Line = {
      socket: undefined,
      client: new Client(name, {
        pipelining: 1,
        headersTimeout: 0,
        bodyTimeout: 0,
        keepAliveTimeout: KEPT_MS,
        connect: (to, done) =>
          dial(to, (...answer) => {
            line.socket = answer[1] ?? undefined;
            done(...answer);
          }),
      }),
    };
    origin.open++;
    lines.add(line);
    // A line has one connection: undici would make another by itself, and write on it what was meant for this one.
    const gone = () => close(name, origin, line);
    line.client.once('disconnect', gone).once('connectionError', gone);
    return line;
  }

  function close(name: string, origin: Origin, line: Line): void {
    void line.client.destroy();
    if (!lines.delete(line)) return;
    origin.open--;
    const at = origin.idle.indexOf(line);
    if (at >= 0) origin.idle.splice(at, 1);
    const next = origin.waiting.shift();
    if (next !== undefined) next(open(name, origin));
    // Origins of push subscriptions are made up by whoever likes to.
    else if (origin.open === 0) origins.delete(name);
  }

  function freed(name: string, origin: Origin, line: Line, usable: boolean): void {
    const next = usable && lines.has(line) ? origin.waiting.shift() : undefined;
    if (!usable) close(name, origin, line);
    else if (next !== undefined) next(line);
    else if (lines.has(line)) origin.idle.push(line);
  }

  function call({ url, method, headers, body, mayCall }: HttpRequest): Promise<HttpOutcome> {
    const name = url.origin;
    const origin = origins.get(name) ?? { idle: [], open: 0, waiting: [] };
    origins.set(name, origin);
    return new Promise((settle) => {
      const go = (line: Line): void => {
        const done = (usable: boolean) => freed(name, origin, line, usable);
        const exchange = new Exchange(line, mayCall, options, settle, done);
        line.client.dispatch({ path: url.pathname + url.search, method, headers, body }, exchange);
      };
      const free = origin.idle.pop();
      if (free !== undefined) go(free);
      else if (origin.open < options.window) go(open(name, origin));
      else origin.waiting.push(go);
    });
  }

  return {
    call,
    stop(): void {
      for (const { client } of lines) void client.destroy();
      lines.clear();
      origins.clear();
    },
  };
}
