/** A notice's chain in the order in which it happened: event, rule, judged, planned, claimed, sent, receipt, shown; each with when and why. */
import { shortCode } from '../../domain/short-code.ts';
import type { Catalogue } from '../../store/catalogue.ts';
import type { ChainDelivery, NoticeChain } from '../../store/notice-chains.ts';

export type ChainStep = {
  readonly step:
    | 'event'
    | 'rule'
    | 'judged'
    | 'planned'
    | 'waits'
    | 'claimed'
    | 'sent'
    | 'ended'
    | 'receipt'
    | 'shown';
  readonly at: string | null;
  readonly channel?: string;
  /** A word for programs: a status, a reason, a code of a provider. */
  readonly reason?: string | null;
  readonly details?: Readonly<Record<string, string | number | boolean | null>>;
};

const ended = new Set([
  'suppressed',
  'expired',
  'cancelled',
  'failed-permanent',
  'failed-temporary',
  'failed-technical',
  'ambiguous',
]);

function stepsOfDelivery(delivery: ChainDelivery): ChainStep[] {
  const { channel, status, code, attempt } = delivery;
  const steps: ChainStep[] = delivery.attempts.flatMap((call): ChainStep[] => [
    ...(call.claimedAt === null
      ? []
      : [{ step: 'claimed' as const, at: call.claimedAt, channel, details: { attempt: call.number } }]),
    {
      step: 'ended',
      at: call.finishedAt,
      channel,
      reason: call.outcome,
      details: { attempt: call.number, code: call.code },
    },
  ]);
  const isNoted = delivery.attempts.some(({ number }) => number === attempt);
  if (delivery.claimedAt !== null && attempt > 0 && !isNoted)
    steps.push({ step: 'claimed', at: delivery.claimedAt, channel, details: { attempt } });
  // Of what a receipt ended only the receipt's time is kept: the call itself was answered soon after its claim.
  const bySaid = delivery.receipts.some(({ state }) => state === 'applied');
  if (status === 'sent' || status === 'delivered')
    steps.push({ step: 'sent', at: bySaid ? null : delivery.finishedAt, channel, details: { attempt } });
  else if (ended.has(status) && !isNoted)
    steps.push({ step: 'ended', at: delivery.finishedAt, channel, reason: status, details: { code } });
  for (const { source, verdict, code: said, at } of delivery.receipts)
    steps.push({
      // The service worker tells when it has shown a notice; others tell that it arrived.
      step: source === 'push' && verdict === 'delivered' ? 'shown' : 'receipt',
      at,
      channel,
      reason: verdict,
      details: { code: said },
    });
  if (delivery.waits !== null)
    steps.push({ step: 'waits', at: delivery.waits.until, channel, reason: delivery.waits.reason });
  return steps;
}

const time = (at: Date | null): string | null => at?.toISOString() ?? null;

export function chainSteps(notice: NoticeChain): ChainStep[] {
  const { event } = notice;
  const before: ChainStep[] = [
    {
      step: 'event',
      at: event.receivedAt,
      reason: event.state,
      details: { source: event.source, id: event.id, type: event.type, saidAt: event.time },
    },
    {
      step: 'rule',
      at: event.acceptedAt,
      details: {
        rule: notice.rule,
        version: notice.ruleVersion,
        stage: notice.stage,
        dueAt: time(notice.dueAt),
      },
    },
    {
      step: 'judged',
      at: time(notice.askedAt) ?? time(notice.dueAt),
      reason: notice.reach,
      details: { asOf: notice.asOf },
    },
    {
      step: 'planned',
      at: time(notice.plannedAt),
      reason: notice.noAddress ? 'no-address' : null,
      details: { locale: notice.locale, wantedLocale: notice.wantedLocale, corrects: notice.corrects },
    },
  ];
  const after = notice.deliveries
    .flatMap(stepsOfDelivery)
    // What has no time of its own stays behind what it follows.
    .map((step, index) => ({ step, index }))
    .toSorted((a, b) =>
      a.step.at === null || b.step.at === null
        ? a.index - b.index
        : Date.parse(a.step.at) - Date.parse(b.step.at) || a.index - b.index,
    );
  return [...before, ...after.map(({ step }) => step)];
}

export function shownChain(notice: NoticeChain, catalogue: Pick<Catalogue, 'current'>) {
  const live = catalogue.current();
  const { id, at, agency, citizen, recipient, rule, ruleVersion, stage, reach, obligation } = notice;
  return {
    notice: id,
    code: shortCode(id),
    at,
    agency,
    agencyName: live.agencies.get(agency)?.name ?? null,
    citizen,
    recipient,
    rule,
    ruleVersion,
    ruleTitle: live.rules.get(rule)?.rule.title ?? null,
    campaign: notice.campaign,
    campaignCancelledAt: notice.campaignCancelledAt,
    event: notice.event,
    eventTitle: live.eventTypes.get(notice.event.type)?.title ?? null,
    stage,
    reach,
    obligation,
    noAddress: notice.noAddress,
    deliveries: notice.deliveries.map(({ channel, status, code, attempt, finishedAt, waits }) => ({
      channel,
      status,
      code,
      attempt,
      finishedAt,
      waits,
    })),
    chain: chainSteps(notice),
  };
}
