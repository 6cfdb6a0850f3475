/**
 * Calls of the API with the session's cookie. What is refused comes as a `Problem` that says what happened; what is written carries the
 * session's token, and where it replaces something, the version it was read as (If-Match).
 */

export type ProblemFault = {
  readonly pointer: string;
  readonly message: string;
  readonly code?: string;
  readonly sentences?: Readonly<Record<string, string>>;
};

/** A problem document (RFC 9457), or that nobody answered (`status` 0). */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly faults: readonly ProblemFault[];
  /** Under which the log has it. */
  readonly instance: string | null;

  constructor(given: {
    status: number;
    code: string;
    detail: string;
    faults?: readonly ProblemFault[];
    instance?: string | null;
  }) {
    super(given.detail);
    this.name = 'Problem';
    this.status = given.status;
    this.code = given.code;
    this.faults = given.faults ?? [];
    this.instance = given.instance ?? null;
  }
}

export type Call = {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Of what is replaced. */
  readonly etag?: string | undefined;
  /** So that a repeated click creates one thing. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
};

export type Answer<T> = { readonly body: T; readonly etag: string | undefined };

const csrf = (): string => document.querySelector<HTMLMetaElement>('meta[name="allim-csrf"]')?.content ?? '';

/** The answer with its version. Throws `Problem`, or `AbortError` where the caller gave up. A session that ended leads to the sign-in. */
export async function call<T>(path: string, given: Call = {}): Promise<Answer<T>> {
  const { method = 'GET', body, etag, idempotencyKey, signal } = given;
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (method !== 'GET') headers['x-allim-csrf'] = csrf();
  if (etag !== undefined) headers['if-match'] = etag;
  if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey;
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: 'same-origin',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem({ status: 0, code: 'unreachable', detail: 'the server did not answer' });
  }
  const text = await response.text();
  const json = jsonOf(text);
  if (!response.ok) {
    if (response.status === 401) leaveToSignIn();
    const problem = (json ?? {}) as Partial<ProblemBody>;
    throw new Problem({
      status: response.status,
      code: problem.code ?? 'internal',
      detail: problem.detail ?? response.statusText,
      ...(problem.faults === undefined ? {} : { faults: problem.faults }),
      instance: problem.instance ?? null,
    });
  }
  return { body: json as T, etag: response.headers.get('etag') ?? undefined };
}

/** Only what it says. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await call<T>(path, signal === undefined ? {} : { signal })).body;
}

type ProblemBody = {
  readonly code: string;
  readonly detail: string;
  readonly instance: string;
  readonly faults: readonly ProblemFault[];
};

function jsonOf(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The page is left: what was typed and not saved is kept by drafts.ts. */
function leaveToSignIn(): void {
  const next = encodeURIComponent(location.pathname + location.search);
  location.assign(`/sign-in?as=staff&next=${next}`);
}
