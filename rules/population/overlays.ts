/**
 * What is said about a citizen's record, beside it: which fields the citizen disputes, and death. It comes on a topic of its own
 * (`citizen-overlays`), before the profile or after it, and outlives changes of it. A disputed field counts as missing in every reading:
 * its column says so, and the value is held aside here until the dispute ends. Who has died is in no audience.
 */
import { AllimError, type Fault } from '../../domain/errors.ts';
import { parseDay } from '../calendar.ts';
import type { Item, Layout, ProfileValue } from './profile.ts';

export type Overlay = {
  /** Names of catalogue fields; lists too. */
  readonly disputed: readonly string[];
  /** YYYY-MM-DD. */
  readonly deceased: string | null;
};

/** An overlay as it lies over a citizen: `values` and `items` are what the profile says, parallel to `scalars` and `lists`. */
export type Laid = {
  readonly overlay: Overlay;
  readonly scalars: readonly number[];
  readonly lists: readonly number[];
  values: ProfileValue[];
  items: (readonly Item[] | undefined)[];
};

export function lay(overlay: Overlay, layout: Layout): Laid {
  const positions = (of: ReadonlyMap<string, number>): number[] =>
    overlay.disputed.flatMap((name) => of.get(name) ?? []);
  return {
    overlay,
    scalars: positions(layout.positions),
    lists: positions(layout.listPositions),
    values: [],
    items: [],
  };
}

/**
 * Reads the value of a record: `{ "disputed": ["incomeBracket"], "deceased": "2026-05-01" }`, either may be left out or null.
 * `overlay-invalid` names every fault; a field that the catalogue lacks is one, or a misspelt dispute would change nothing unnoticed.
 */
export function parseOverlay(value: Buffer, layout: Layout): Overlay {
  let json: unknown;
  try {
    json = JSON.parse(value.toString('utf8'));
  } catch {
    json = undefined;
  }
  const faults: Fault[] = [];
  if (json === null || typeof json !== 'object' || Array.isArray(json))
    throw refusal([{ pointer: '', message: 'is not a JSON object' }]);
  const { disputed = null, deceased = null, ...more } = json as Record<string, unknown>;
  for (const name of Object.keys(more))
    faults.push({ pointer: `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, message: 'is not known' });
  if (disputed !== null && !Array.isArray(disputed))
    faults.push({ pointer: '/disputed', message: 'is not a list' });
  const names: readonly unknown[] = Array.isArray(disputed) ? disputed : [];
  names.forEach((name, at) => {
    if (typeof name !== 'string' || !layout.fields.has(name))
      faults.push({ pointer: `/disputed/${at}`, message: 'is no field of the catalogue' });
  });
  if (deceased !== null && (typeof deceased !== 'string' || Number.isNaN(parseDay(deceased))))
    faults.push({ pointer: '/deceased', message: 'is not a day (YYYY-MM-DD)' });
  if (faults.length > 0) throw refusal(faults);
  return { disputed: [...new Set(names as string[])], deceased: deceased as string | null };
}

function refusal(faults: readonly Fault[]): AllimError {
  return new AllimError('overlay-invalid', `the overlay: ${faults[0]!.pointer} ${faults[0]!.message}`, {
    faults,
  });
}

/** Nothing is disputed and nobody has died: the same as none. */
export const isEmpty = ({ disputed, deceased }: Overlay): boolean =>
  disputed.length === 0 && deceased === null;

/** Of an entry, about, in bytes: a map of strings and three small objects. */
export const OVERLAY_BYTES = 400;

type Written = readonly [id: string, overlay: Overlay, values: unknown[], items: unknown[]];

/** For a snapshot: JSON has no undefined. */
export const written = ([id, { overlay, values, items }]: readonly [string, Laid]): Written => [
  id,
  overlay,
  values,
  items,
];

export function readWritten(given: unknown, layout: Layout): readonly [string, Laid] {
  const [id, overlay, values, items] = given as Written;
  const laid = lay(overlay, layout);
  laid.values = values.map((value) => (value ?? undefined) as ProfileValue);
  laid.items = items.map((list) =>
    (list as unknown[][] | null)?.map((item) => item.map((value) => (value ?? undefined) as ProfileValue)),
  );
  return [id, laid];
}
