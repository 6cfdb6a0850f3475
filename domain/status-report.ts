/**
 * What an agency is told of its notices: that a delivery was delivered, or failed, and why in a few words. Never who read, and never why
 * somebody does not want to be reached: that is the citizen's, and so is a death the agency may not know of.
 */
import type { DeliveryStatus } from './statuses.ts';

export type ReportStatus = 'delivered' | 'failed';

/** The whole vocabulary of `reason`; docs/sending.md says what each asks of the agency. */
export const REPORT_REASONS = [
  'trial',
  'address',
  'no-address',
  'network',
  'technical',
  'unclear',
  'expired',
  'withheld',
] as const;
export type ReportReason = (typeof REPORT_REASONS)[number];

export type StatusReport = {
  /** The same however often it is told: told again is the same report. */
  readonly id: string;
  readonly event: { readonly source: string; readonly id: string };
  readonly citizen: string;
  readonly obligation: string;
  readonly stage: string;
  readonly notification: string;
  /** null where there was nothing to deliver. */
  readonly channel: string | null;
  readonly status: ReportStatus;
  readonly reason: ReportReason | null;
  /**
   * What it rests on: the provider took it, its receipt came, or an agency's trial. A failure has evidence where a receipt told of it: then
   * the same delivery was `delivered` by the provider's word before.
   */
  readonly evidence: 'accepted' | 'receipt' | 'simulated' | null;
  /** RFC 3339. */
  readonly at: string;
};

type Verdict = Pick<StatusReport, 'status' | 'reason' | 'evidence'>;

const failed = (reason: ReportReason): Verdict => ({ status: 'failed', reason, evidence: null });

/** Statuses that are told. What the agency itself ended (`cancelled`) is not; the others are not ends. */
const VERDICTS: Readonly<Partial<Record<DeliveryStatus | 'no-address', Verdict>>> = {
  sent: { status: 'delivered', reason: null, evidence: 'accepted' },
  delivered: { status: 'delivered', reason: null, evidence: 'receipt' },
  expired: failed('expired'),
  suppressed: failed('withheld'),
  'failed-permanent': failed('address'),
  'failed-temporary': failed('network'),
  'failed-technical': failed('technical'),
  ambiguous: failed('unclear'),
  'no-address': failed('no-address'),
};

/** Undefined for what is not told. `receipt`: a receipt says so, and not a call of ours. */
export function verdictOf(status: string, code: string | null, receipt = false): Verdict | undefined {
  if (status === 'sent' && code === 'trial')
    return { status: 'delivered', reason: 'trial', evidence: 'simulated' };
  if (status === 'suppressed' && code === 'address-gone') return failed('address');
  const verdict = Object.hasOwn(VERDICTS, status) ? VERDICTS[status as DeliveryStatus] : undefined;
  return verdict === undefined || !receipt ? verdict : { ...verdict, evidence: 'receipt' };
}
