/**
 * What is done about a call of which nobody knows how it ended: its bytes had left and no answer came, or the process that made it is gone.
 * One literal table, by what the far side can do about a repetition and by category; workers (a call without an answer) and the dispatcher
 * (rows of a dead session) read the same. docs/sending.md shows it, and a test holds the two together.
 */
import { paced } from './pace.ts';
import type { Category, Channel } from './statuses.ts';

/**
 * What the far side makes of the same delivery sent again.
 * `replaced`: receivers drop it, by Topic and tag (Web Push), or by our key (the outbox).
 * `asked`: it knows our reference, drops repetitions and says what became of one (SMS over an HTTP gateway).
 * `recognised`: it arrives again, and can be told by its Message-ID (mail).
 * `blind`: it is another message; nobody can tell (SMS over SMPP 3.4).
 */
export const REPEATS = ['replaced', 'asked', 'recognised', 'blind'] as const;
export type Repeats = (typeof REPEATS)[number];

/** Which channel's providers are which, for whoever reads the table. */
export const WAYS: Readonly<Record<Repeats, { readonly channel: Channel; readonly by: string }>> = {
  replaced: { channel: 'push', by: 'the same Topic and tag' },
  asked: { channel: 'sms', by: 'our reference, HTTP gateway' },
  recognised: { channel: 'email', by: 'the same Message-ID' },
  blind: { channel: 'sms', by: 'nothing, SMPP 3.4' },
};

/**
 * A one-time code is of any category; a template would say that it carries one. None does: no programme of ours sends codes that open
 * something. The column stands so that whoever adds such a mark finds the decision made.
 */
export type AmbiguityKind = Category | 'one-time-code';
export const AMBIGUITY_KINDS = [
  'emergency',
  'statutory',
  'service',
  'information',
  'one-time-code',
] as const satisfies readonly AmbiguityKind[];

export type Ambiguity = {
  /** Asked by our reference before anything is sent again; what the answer says is done. */
  readonly ask: boolean;
  /** Before the next step: time for a receipt to come. */
  readonly holdMs: number;
  /** Further calls that may be made after one of which nobody knows; what remains unclear after them is left `ambiguous`, shown and counted. */
  readonly resend: number;
  readonly why: string;
};

/** As often as the limit of the channel allows (domain/retry.ts). Fits the column that counts them. */
export const UNTIL_LIMIT = 32_767;

const SECOND = paced(1_000);

const replaced: Ambiguity = {
  ask: false,
  holdMs: 5 * SECOND,
  resend: UNTIL_LIMIT,
  why: 'a repetition replaces the first, and the service worker drops ids it has seen: sending again costs nobody anything',
};
const asked: Ambiguity = {
  ask: true,
  holdMs: 5 * SECOND,
  resend: UNTIL_LIMIT,
  why: 'the gateway says whether it has it; it is sent again only where it has not, and under the same reference',
};
const never = (why: string): Ambiguity => ({ ask: false, holdMs: 0, resend: 0, why });
const code = never('a code that comes twice, or after a newer one, locks people out; they ask for another');

export const AMBIGUITY: Readonly<Record<Repeats, Readonly<Record<AmbiguityKind, Ambiguity>>>> = {
  replaced: {
    emergency: replaced,
    statutory: replaced,
    service: replaced,
    information: replaced,
    'one-time-code': code,
  },
  asked: {
    emergency: asked,
    statutory: asked,
    service: asked,
    information: asked,
    // Its answer could be used, but by the time it comes a code is stale.
    'one-time-code': code,
  },
  recognised: {
    emergency: {
      ask: false,
      holdMs: 5 * SECOND,
      resend: 2,
      why: 'missing it may cost a life; readers fold mails of one Message-ID',
    },
    statutory: {
      ask: false,
      holdMs: 5 * SECOND,
      resend: 2,
      why: 'missing it costs a right or a fine; readers fold mails of one Message-ID',
    },
    service: {
      ask: false,
      holdMs: 5 * SECOND,
      resend: 1,
      why: 'once more is folded by most readers; twice more would be noticed by the others',
    },
    information: {
      ask: false,
      holdMs: 5 * SECOND,
      resend: 1,
      why: 'as a service notice: one repetition that most readers fold',
    },
    'one-time-code': code,
  },
  blind: {
    emergency: {
      ask: false,
      holdMs: 15 * SECOND,
      resend: 1,
      why: 'missing it is worse than reading it twice; a receipt gets a quarter of a minute, no more',
    },
    statutory: {
      ask: false,
      holdMs: 60 * SECOND,
      resend: 1,
      why: 'missing it is worse than reading it twice; a handset that is on has given its receipt within a minute',
    },
    service: never(
      'reading it twice is worse than finding it in the inbox: people take repeated texts for fraud',
    ),
    information: never('reading it twice is worse than missing it'),
    'one-time-code': code,
  },
};

/** What is done after the `unclear`-th call whose end nobody knows (counted from 1). */
export function mayResend(policy: Ambiguity, unclear: number): boolean {
  return unclear <= policy.resend;
}
