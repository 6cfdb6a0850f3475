/**
 * Pure part of the intake: what a batch of accepted targeted events does to the world. Folded in order, so that each obligation is
 * changed once however many events of the batch are about it.
 */
import type { CloudEvent, EventType } from '../domain/event.ts';
import { sequenceOf } from '../domain/event.ts';
import type { EventRowId, ObligationId } from '../domain/ids.ts';
import type { Rule } from '../domain/rule.ts';
import { deadlineOf, type WorkingDays } from '../domain/timeline.ts';
import { evaluateOverEvent } from '../domain/value.ts';
import type { LiveRule } from '../store/catalogue.ts';
import { type ObligationChange, obligationId } from '../store/obligations.ts';

/** A targeted event with the citizen it is about. */
export type TargetedEvent = {
  readonly row: EventRowId;
  readonly event: CloudEvent;
  readonly type: EventType;
  readonly citizen: string;
};

/** One event under one rule: who may have to be told about which obligation. */
export type Opening = {
  readonly live: LiveRule;
  readonly row: EventRowId;
  readonly event: CloudEvent;
  readonly citizen: string;
  readonly obligation: ObligationId;
  readonly deadline: string | null;
};

/** What an event is about: its own word, else the rule's, else the rule and the event themselves. */
export function obligationKey(rule: Rule, event: CloudEvent, row: EventRowId): { kind: string; ref: string } {
  if (event.allimobligation !== undefined) return splitObligation(event.allimobligation);
  if (rule.obligation !== undefined) {
    const ref = evaluateOverEvent(rule.obligation.ref, event.data);
    if (ref !== null) return { kind: rule.obligation.kind, ref: String(ref) };
  }
  return { kind: `rule:${rule.id}`, ref: row };
}

export function splitObligation(text: string): { kind: string; ref: string } {
  const slash = text.indexOf('/');
  return { kind: text.slice(0, slash), ref: text.slice(slash + 1) };
}

export function foldTargeted(
  events: readonly TargetedEvent[],
  rulesOn: (type: string) => readonly LiveRule[],
  calendar: WorkingDays,
): { changes: ObligationChange[]; openings: Opening[] } {
  const changes = new Map<ObligationId, ObligationChange>();
  const openings: Opening[] = [];

  function fold(next: ObligationChange): void {
    const before = changes.get(next.id);
    if (before === undefined || outranks(next, before)) changes.set(next.id, next);
  }

  for (const { row, event, type, citizen } of events) {
    const version = sequenceOf(event);
    const base = { agency: type.agency, citizen, version, event: row };
    if (type.effect === 'settles' || type.effect === 'withdraws') {
      const { kind, ref } = splitObligation(event.allimobligation ?? '');
      const state = type.effect === 'settles' ? 'done' : 'cancelled';
      fold({ ...base, id: obligationId(type.agency, kind, ref, citizen), kind, ref, state, deadline: null });
      continue;
    }
    for (const live of rulesOn(type.type)) {
      const { kind, ref } = obligationKey(live.rule, event, row);
      const id = obligationId(type.agency, kind, ref, citizen);
      const deadline = deadlineOf(live.rule, event.data, calendar);
      fold({ ...base, id, kind, ref, state: 'open', deadline });
      openings.push({ live, row, event, citizen, obligation: id, deadline });
    }
  }
  return { changes: [...changes.values()], openings };
}

/** Within one batch, the same order of precedence as in the table (store/obligations.ts). */
function outranks(next: ObligationChange, before: ObligationChange): boolean {
  if (before.state === 'done') return false;
  if (next.state === 'done') return true;
  if (next.state === 'cancelled') return before.state === 'open' && next.version >= before.version;
  return next.version > before.version;
}
