/**
 * What the three sinks share. A sink is the outside world in a test: it speaks the protocol, checks what it is given with code of its own, and
 * writes down what it accepted. Nothing here is product code and nothing of the product is imported.
 */
import { createHash } from 'node:crypto';
import { createWriteStream, type WriteStream } from 'node:fs';

export type Received = {
  readonly channel: 'push' | 'email' | 'sms';
  /** Push: the path of the endpoint; email: the mailbox; SMS: the number as it came. */
  readonly address: string;
  /** Of Topic or Message-ID as it came on the wire; null where the protocol has none (SMPP). */
  readonly delivery: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly atMs: number;
};

/**
 * How to fail. `refuse`: a temporary refusal; `permanent`: the address is unknown; `technical`: our request is bad; `throttle`: slow down;
 * `broken`: the service is out of order; `hang`: take it and never answer; `cut`: accept, write it down, and drop the connection before
 * answering; `twice`: accept, and answer once more after `ms`, when the connection may be used by somebody else; `slow`: accept after `ms`.
 */
export type Failure =
  | 'refuse'
  | 'permanent'
  | 'technical'
  | 'throttle'
  | 'broken'
  | 'hang'
  | 'cut'
  | 'twice'
  | 'slow';
export type FailurePlan = {
  readonly kind: Failure;
  /** How many deliveries; without it until the plan is lifted. */
  readonly times?: number;
  /** Only this share of all addresses, from 0 to 1, always the same ones; all unless told. */
  readonly share?: number;
  /** Of `twice` and `slow`. */
  readonly ms?: number;
  /** Retry-After of a refusal over HTTP, as written; `date` is a date a second from when it is written. */
  readonly retryAfter?: string;
};

/**
 * What the sink says later of what it accepts. `before`: before it answers; `after`; `twice`: the same again; `disorder`: the end, then that it
 * is under way; `late`: after `lateMs`. Beside each true one `lies` tells false ones: `forged` of the same with a wrong proof (SMPP, which has
 * none: of an id that was never given), `foreign` of what is another's, `replayed` the same as it was, again and again.
 */
export type ReceiptPlan = {
  readonly when: 'before' | 'after' | 'twice' | 'disorder' | 'late';
  readonly says?: 'delivered' | 'undeliverable' | 'expired' | 'delayed';
  readonly lateMs?: number;
  readonly lies?: 'forged' | 'foreign' | 'replayed';
  /** Of every how many; 1 unless told. */
  readonly every?: number;
  /** Where receipts go that do not come on the binding: the product's address. */
  readonly to?: string;
  /** What the mail system shows. */
  readonly token?: string;
  /** SMPP: how the receipt writes the id that the answer wrote in hexadecimal; 16 unless told. */
  readonly radix?: 10 | 16;
};

export type Sink = {
  readonly url: string;
  readonly port: number;
  readonly received: Received[];
  /** What was wrong with what came, in words; a test wants it empty. */
  readonly violations: string[];
  /** The next deliveries fail so; null: none. */
  fail(plan: FailurePlan | null): void;
  /** What it says later of what it accepts from now on; null: nothing. */
  receipts(plan: ReceiptPlan | null): void;
  stop(): Promise<void>;
};

export type SinkOptions = {
  readonly port?: number;
  /** Under which the push sink is known to senders, where something stands in front of it. */
  readonly origin?: string;
  /** One JSON line per accepted delivery is appended. */
  readonly log?: string;
  /** How far the clock is off from the machine's, as that of everybody who calls. */
  readonly clockShiftMs?: number;
  /** Keep nothing in memory: for millions, with `log`. */
  readonly forget?: boolean;
};

/** Whether a plan concerns an address: the same ones each time, whoever asks. */
export function concerns({ share = 1 }: FailurePlan, address: string): boolean {
  if (share >= 1) return true;
  return createHash('sha256').update(address).digest().readUInt32BE(0) / 2 ** 32 < share;
}

/** Retry-After as a plan wants it. */
export function retryAfterOf({ retryAfter }: FailurePlan): Record<string, string> {
  if (retryAfter === undefined) return {};
  return { 'retry-after': retryAfter === 'date' ? new Date(Date.now() + 1_000).toUTCString() : retryAfter };
}

/** What a sink has accepted and how it is to fail. */
export class Book {
  readonly received: Received[] = [];
  readonly violations: string[] = [];
  #plan: FailurePlan | null = null;
  #left = 0;
  /** What is to be said later. */
  plan: ReceiptPlan | null = null;
  #accepted = 0;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #forget: boolean;
  readonly #file: WriteStream | null;

  constructor(options: SinkOptions) {
    this.#forget = options.forget ?? false;
    this.#file = options.log === undefined ? null : createWriteStream(options.log, { flags: 'a' });
  }

  fail(plan: FailurePlan | null): void {
    this.#plan = plan;
    this.#left = plan?.times ?? Number.POSITIVE_INFINITY;
  }

  /** The failure of this delivery, if it is to fail. Each call uses up one. */
  next(address: string): FailurePlan | null {
    if (this.peek(address) === null) return null;
    this.#left--;
    return this.#plan;
  }

  /** What would `next` say, without using it up. */
  peek(address: string): Failure | null {
    if (!this.#plan || this.#left <= 0) return null;
    return concerns(this.#plan, address) ? this.#plan.kind : null;
  }

  accept(delivery: Omit<Received, 'atMs'>): void {
    const entry = { ...delivery, atMs: Date.now() };
    if (!this.#forget) this.received.push(entry);
    this.#file?.write(`${JSON.stringify(entry)}\n`);
  }

  /** The plan, where this one is to have a receipt. */
  receipt(): ReceiptPlan | null {
    return this.plan !== null && this.#accepted++ % (this.plan.every ?? 1) === 0 ? this.plan : null;
  }

  /** Does it `ms` later, unless the sink has stopped by then. */
  later(ms: number, say: () => unknown): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void say();
    }, ms);
    this.#timers.add(timer);
  }

  violation(what: string): void {
    if (this.violations.length < 100) this.violations.push(what);
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await new Promise<void>((done) => (this.#file ? this.#file.end(done) : done()));
  }
}
