/** What a `var` names: a field of the citizen, a member of the item that is looked at, or a path into the event. */
import type { EventType } from '../../domain/event.ts';
import { type Fields, type ListField, mayUse } from '../catalogue.ts';
import {
  type EventRef,
  type FieldRef,
  type ItemRef,
  LIMITS,
  type ListRef,
  scalarTypeOf,
} from '../language.ts';
import { type RuleFault, refusal } from '../refusals.ts';
import { readEventPath } from './literals.ts';

export type Scope = {
  readonly fields: Fields;
  readonly agency: string;
  readonly eventType: EventType;
  /** False where only the event may be read (an obligation's reference). */
  readonly citizen: boolean;
};

export type Variable = FieldRef | ItemRef | EventRef | ListRef;

/** `list` is that of the quantifier around it. Undefined after saying what is wrong. */
export function readVariable(
  given: unknown,
  at: string,
  scope: Scope,
  list: ListField | undefined,
  refuse: (fault: RuleFault) => undefined,
): Variable | undefined {
  const path = Array.isArray(given) && given.length === 1 ? given[0] : given;
  if (typeof path !== 'string') return refuse(refusal('variable-malformed', at));
  if (path.length > LIMITS.text) return refuse(refusal('text-too-long', at, LIMITS.text));
  const [root, ...parts] = path.split('.');
  const name = parts[0] ?? '';
  if (root === 'event' && parts.length > 0) return readEventPath(parts, at, scope.eventType, refuse);
  if (root === 'item' && parts.length === 1) {
    if (list === undefined) return refuse(refusal('item-outside-list', at, path));
    const member = Object.hasOwn(list.items, name) ? list.items[name] : undefined;
    if (member === undefined) return refuse(refusal('member-unknown', at, path, list.labels));
    if (member.type === 'citizen') return refuse(refusal('member-is-citizen', at, path));
    if (!mayUse(member, scope.agency))
      return refuse(refusal('field-foreign', at, member.labels, scope.agency));
    return { kind: 'item', type: scalarTypeOf(member), list, field: member };
  }
  if (root !== 'citizen' || parts.length !== 1) return refuse(refusal('variable-unknown', at, path));
  if (!scope.citizen) return refuse(refusal('citizen-out-of-reach', at, path));
  const field = scope.fields.get(name);
  if (field === undefined) return refuse(refusal('field-unknown', at, path));
  if (!mayUse(field, scope.agency)) return refuse(refusal('field-foreign', at, field.labels, scope.agency));
  return field.type === 'list'
    ? { kind: 'list-field', list: field }
    : { kind: 'field', type: scalarTypeOf(field), field };
}
