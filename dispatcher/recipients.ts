/** Pure: whether a person is told under a rule, and on which contact point. */
import type { Rule } from '../domain/rule.ts';
import type { Channel } from '../domain/statuses.ts';
import type { Person } from '../store/people.ts';

export type Verdict =
  | { readonly kind: 'dead' }
  | { readonly kind: 'opted-out' }
  | {
      readonly kind: 'tell';
      readonly contactPoint: { readonly id: string; readonly channel: Channel } | null;
    };

/** Emergency and statutory notices cannot be switched off; they can only move to another channel. */
export function mayBeSwitchedOff(rule: Pick<Rule, 'category'>): boolean {
  return rule.category === 'service' || rule.category === 'information';
}

/**
 * The contact points that may carry this rule's notices, in the rule's order of channels. A citizen of whom we know nothing has none, and
 * still gets a place in the inbox.
 */
export function usableContactPoints(rule: Rule, person: Person): { id: string; channel: Channel }[] {
  return rule.channels.flatMap((channel) => {
    const allowed = person.channels === null || person.channels.includes(channel);
    const withdrawn = person.optOuts.some((o) => o.channel === channel && covers(o, rule));
    return allowed && !withdrawn ? person.contactPoints.filter((point) => point.channel === channel) : [];
  });
}

export function judgeRecipient(rule: Rule, person: Person | undefined): Verdict {
  if (person === undefined) return { kind: 'tell', contactPoint: null };
  if (person.dead) return { kind: 'dead' };
  if (mayBeSwitchedOff(rule)) {
    if (person.off.includes(rule.category)) return { kind: 'opted-out' };
    if (person.optOuts.some((o) => o.channel === null && covers(o, rule))) return { kind: 'opted-out' };
  }
  return { kind: 'tell', contactPoint: usableContactPoints(rule, person)[0] ?? null };
}

function covers(optOut: Person['optOuts'][number], rule: Rule): boolean {
  return (
    (optOut.agency === null || optOut.agency === rule.agency) &&
    (optOut.category === null || optOut.category === rule.category)
  );
}
