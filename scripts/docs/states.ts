/** The life of a delivery as a picture, drawn from the one table of transitions (domain/statuses.ts). */
import { DELIVERY_STATUSES, DELIVERY_TRANSITIONS, type DeliveryStatus } from '../../domain/statuses.ts';

type Transition = `${DeliveryStatus} > ${DeliveryStatus}`;

/**
 * Who takes a transition: what stands on the arrow. One that is not named here is drawn without a word; a name of one that is not in the
 * table is an error.
 */
const TAKEN_BY: Readonly<Partial<Record<Transition, string>>> = {
  'planned > sending': 'claim',
  'planned > waiting': 'claim: stopped, quiet hours',
  'planned > suppressed': 'claim: opted out, dead, address gone',
  'planned > expired': 'claim',
  'planned > ambiguous': 'claim: expired after a call that nobody knows of; a restore',
  'planned > delivered': 'receipt of an earlier call',
  'waiting > delivered': 'receipt of an earlier call',
  'waiting > ambiguous': 'an orphan receipt speaks for an earlier call; a restore',
  'sent > delivered': 'receipt',
  'sent > failed-permanent': 'receipt',
  'sent > failed-temporary': 'receipt',
  'ambiguous > delivered': 'receipt',
  'ambiguous > failed-permanent': 'receipt',
  'ambiguous > failed-temporary': 'receipt',
  'failed-temporary > waiting': 'put back by a person',
  'failed-technical > waiting': 'put back by a person',
  'ambiguous > waiting': 'put back by a person',
  'planned > cancelled': 'done, withdrawn, corrected, left by its run',
  'waiting > planned': 'due again',
  'waiting > cancelled': 'done, withdrawn, corrected, left by its run',
  'sending > planned': 'the claim’s answer was lost: not called',
  'sending > sent': 'accepted',
  'sending > waiting': 'retry, stop, nobody knows: ask, hold, again',
  'sending > failed-permanent': 'the address',
  'sending > failed-temporary': 'network or provider, to the limit',
  'sending > failed-technical': 'us',
  'sending > ambiguous': 'nobody knows: left',
};

export function transitions(): readonly Transition[] {
  return DELIVERY_STATUSES.flatMap((from) =>
    DELIVERY_TRANSITIONS[from].map((to): Transition => `${from} > ${to}`),
  );
}

/** A Mermaid state diagram. Statuses that nothing leads out of end. */
export function drawStates(): string {
  const drawn = transitions();
  const strange = Object.keys(TAKEN_BY).filter((name) => !drawn.includes(name as Transition));
  if (strange.length > 0)
    throw new Error(`no such transition: ${strange.join(', ')} (scripts/docs/states.ts)`);
  // Mermaid takes no hyphen in a name.
  const name = (status: string) => status.replaceAll('-', '_');
  const lines = [
    'stateDiagram-v2',
    ...DELIVERY_STATUSES.filter((status) => name(status) !== status).map(
      (status) => `  state "${status}" as ${name(status)}`,
    ),
    '  [*] --> planned: T2, a first contact point',
    '  [*] --> waiting: the next channel',
    ...drawn.map((transition) => {
      const [from = '', to = ''] = transition.split(' > ');
      const by = TAKEN_BY[transition];
      return `  ${name(from)} --> ${name(to)}${by === undefined ? '' : `: ${by.replaceAll(':', ' –')}`}`;
    }),
    ...DELIVERY_STATUSES.filter((status) => DELIVERY_TRANSITIONS[status].length === 0).map(
      (status) => `  ${name(status)} --> [*]`,
    ),
  ];
  return ['```mermaid', ...lines, '```'].join('\n');
}
