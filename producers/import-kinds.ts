/** The kinds of files that are taken, put together from what each needs. */
import type { ImportKind } from '../store/imports.ts';
import { type CitizenRowsParts, citizenRows } from './csv/citizens.ts';
import { type EventRowsParts, eventRows } from './csv/events.ts';
import type { Kind } from './csv/kind.ts';
import { linkRows } from './csv/links.ts';

export function importKinds(parts: CitizenRowsParts & EventRowsParts): Readonly<Record<ImportKind, Kind>> {
  return { events: eventRows(parts), citizens: citizenRows(parts), links: linkRows(parts) };
}
