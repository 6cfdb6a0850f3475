/**
 * The one error type. A code is a literal from the table below; docs/errors.md explains each, and a test compares both ways.
 * `retryable` says whether doing the same again may succeed without anybody changing anything.
 */
const CODES = {
  'agency-unknown': false,
  'archive-invalid': false,
  'broker-unavailable': true,
  'config-invalid': false,
  'content-type-unsupported': false,
  'csrf-missing': false,
  'event-conflict': false,
  'event-expired': false,
  'event-invalid': false,
  'event-too-old': false,
  'event-type-refused': false,
  'event-type-unknown': false,
  forbidden: false,
  'identity-unavailable': true,
  'idempotency-busy': true,
  'idempotency-conflict': false,
  'import-invalid': false,
  'migration-invalid': false,
  'month-open': false,
  'not-found': false,
  'offset-out-of-range': false,
  'overlay-invalid': false,
  'payload-too-large': false,
  'position-fenced': true,
  'position-gap': true,
  'precondition-failed': false,
  'precondition-required': false,
  'profile-invalid': false,
  'profile-misplaced': false,
  'profile-owned': false,
  'quarantine-closed': false,
  'queue-unavailable': true,
  'record-corrupt': false,
  'record-too-large': false,
  'request-invalid': false,
  'request-malformed': false,
  'rule-conflict': false,
  'rule-invalid': false,
  'seal-key-unknown': false,
  'sign-in-failed': false,
  'sign-in-refused': false,
  'snapshot-invalid': false,
  'source-foreign': false,
  'store-unavailable': true,
  'template-conflict': false,
  'template-invalid': false,
  'template-failed': false,
  'too-many-requests': true,
  'topic-invalid': false,
  unauthorized: false,
} as const satisfies Record<string, boolean>;

export type ErrorCode = keyof typeof CODES;
export const ERROR_CODES = Object.keys(CODES) as readonly ErrorCode[];

/** One place in the input that is at fault: `pointer` is an RFC 6901 JSON pointer into what was given. */
export type Fault = {
  readonly pointer: string;
  readonly message: string;
  /** Where a person corrects what is wrong: a word for programs, and the same in each language of the screen. */
  readonly code?: string;
  readonly sentences?: Readonly<Record<'ko' | 'en' | 'vi', string>>;
};

/** An error is kept, logged and answered with; input that is wrong in a hundred thousand places must not make it as large. */
const MAX_FAULTS = 50;
const MAX_MESSAGE = 2_000;

function cut(text: string): string {
  // Not through a surrogate pair, which the database would refuse.
  return text.length <= MAX_MESSAGE ? text : `${text.slice(0, MAX_MESSAGE - 1).toWellFormed()}…`;
}

export class AllimError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly faults: readonly Fault[];
  /** Ids only, never addresses, names or bodies: this is logged. */
  readonly ids: Readonly<Record<string, string | number>>;

  constructor(
    code: ErrorCode,
    message: string,
    more: { cause?: unknown; faults?: readonly Fault[]; ids?: Record<string, string | number> } = {},
  ) {
    super(cut(message), more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'AllimError';
    this.code = code;
    this.retryable = CODES[code];
    this.faults = (more.faults ?? [])
      .slice(0, MAX_FAULTS)
      .map((fault) => ({ ...fault, pointer: cut(fault.pointer), message: cut(fault.message) }));
    this.ids = more.ids ?? {};
  }
}

/** What a person reads of any thrown thing; never its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * What may be logged or kept in clear of any thrown thing: the message of an error of ours, which holds no values, else its name and its code
 * (an SQLSTATE, an errno). Messages of drivers and parsers quote what they choked on.
 */
export function safeMessage(error: unknown): string {
  if (error instanceof AllimError) return error.message;
  const { name, code } = (error ?? {}) as { readonly name?: unknown; readonly code?: unknown };
  const kind = typeof name === 'string' ? name : 'unknown error';
  return typeof code === 'string' ? `${kind} ${code}` : kind;
}
