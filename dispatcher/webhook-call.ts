/**
 * One call to an agency's webhook: a POST that takes five seconds at most, from looking up the name to the end of what is read of the answer.
 * Redirects are not followed, and every address is judged when it is dialled (domain/public-endpoint.ts). Never throws for what the other
 * side does.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { allowedEndpoint, publicLookup, type Resolve } from '../domain/public-endpoint.ts';

export type CallOptions = {
  /** For tests and demonstrations: http on loopback. */
  readonly allowLoopback: boolean;
  readonly timeoutMs?: number;
  /** The system's resolver unless given. */
  readonly resolve?: Resolve;
};

export type Answer =
  /** 2xx. */
  | { readonly kind: 'ok'; readonly body: string }
  /** 410: it wants to be called no more. */
  | { readonly kind: 'gone' }
  /** `code` for the list that the agency sees: `http-503`, `redirected`, `timeout`, `address-private`, `url-refused`, or the runtime's. */
  | { readonly kind: 'failed'; readonly code: string };

const TIMEOUT_MS = 5_000;
/** What is read of an answer: enough for the echo of a challenge. */
const ANSWER_BYTES = 4_096;
const CODES: Readonly<Record<string, string>> = {
  ETIMEDOUT: 'timeout',
  EADDRESSPRIVATE: 'address-private',
};

/** With `wantBody` what the answer says is read, up to 4 KiB; else the status line is enough. */
export function callWebhook(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  options: CallOptions & { readonly wantBody: boolean },
): Promise<Answer> {
  const { allowLoopback, timeoutMs = TIMEOUT_MS, resolve, wantBody } = options;
  const target = allowedEndpoint(url, allowLoopback);
  if (target === null) return Promise.resolve({ kind: 'failed', code: 'url-refused' });
  return new Promise((settle) => {
    let timer: NodeJS.Timeout | undefined;
    const finish = (answer: Answer) => {
      clearTimeout(timer);
      settle(answer);
      request.destroy();
    };
    const request = (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, {
      method: 'POST',
      // A connection of its own: nothing of one agency's call is left for another's.
      agent: false,
      lookup: publicLookup(allowLoopback, resolve),
      headers: {
        ...headers,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'allim',
      },
    });
    timer = setTimeout(() => finish({ kind: 'failed', code: 'timeout' }), timeoutMs);
    request.on('error', (error: NodeJS.ErrnoException) =>
      finish({ kind: 'failed', code: CODES[error.code ?? ''] ?? error.code ?? 'ESOCKET' }),
    );
    request.on('response', (response: IncomingMessage) => {
      // Also where nothing is read: it is cut off, which is an error of the response.
      response.on('error', () => finish({ kind: 'failed', code: 'answer-cut' }));
      const status = response.statusCode ?? 0;
      if (status === 410) return finish({ kind: 'gone' });
      if (status >= 300 && status < 400) return finish({ kind: 'failed', code: 'redirected' });
      if (status < 200 || status >= 300) return finish({ kind: 'failed', code: `http-${status}` });
      if (!wantBody) return finish({ kind: 'ok', body: '' });
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES) return finish({ kind: 'failed', code: 'answer-too-large' });
        chunks.push(chunk);
      });
      response.on('end', () => finish({ kind: 'ok', body: Buffer.concat(chunks).toString('utf8') }));
    });
    request.end(body);
  });
}
