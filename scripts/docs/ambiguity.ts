/** What is done when nobody knows how a call ended, and how long a failure is tried, as tables: from domain/ambiguity.ts and domain/retry.ts. */
import {
  AMBIGUITY,
  AMBIGUITY_KINDS,
  type Ambiguity,
  REPEATS,
  UNTIL_LIMIT,
  WAYS,
} from '../../domain/ambiguity.ts';
import { RETRY_LIMIT_MS } from '../../domain/retry.ts';
import { CATEGORIES, CHANNELS } from '../../domain/statuses.ts';

function span(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000} h`;
  return ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1_000} s`;
}

function steps({ ask, holdMs, resend }: Ambiguity): string {
  if (resend === 0) return 'leave';
  const often = resend === UNTIL_LIMIT ? 'until the limit' : resend === 1 ? 'once' : `${resend} times`;
  if (ask) return `ask; send where it never had it; ${often}`;
  return `${holdMs >= 30_000 ? `hold ${span(holdMs)} for a receipt, then send` : 'send'} again ${often}; then leave`;
}

/** One line for the kinds that are treated alike. */
export function drawAmbiguity(): string {
  const lines = REPEATS.flatMap((repeats) => {
    const byPolicy = Map.groupBy(AMBIGUITY_KINDS, (kind) => {
      const policy = AMBIGUITY[repeats][kind];
      return `${steps(policy)} | ${policy.why}`;
    });
    const { channel, by } = WAYS[repeats];
    return [...byPolicy].map(([does, kinds]) => `| ${channel}: ${by} | ${kinds.join(', ')} | ${does} |`);
  });
  return ['| a repetition is known by | category | what is done | why |', '|---|---|---|---|', ...lines].join(
    '\n',
  );
}

export function drawRetryLimits(): string {
  const lines = CHANNELS.map(
    (channel) =>
      `| ${channel} | ${CATEGORIES.map((category) => span(RETRY_LIMIT_MS[channel][category])).join(' | ')} |`,
  );
  return [`| | ${CATEGORIES.join(' | ')} |`, `|---|${CATEGORIES.map(() => '---').join('|')}|`, ...lines].join(
    '\n',
  );
}
