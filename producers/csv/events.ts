/**
 * Events as rows, judged as those by HTTP are. Cells of `data.*` become what the event type's schema wants there; a cell that cannot is
 * handed on as text, and the schema says what is wrong with it. An empty cell is an absent member.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Sealer } from '../../domain/sealing.ts';
import type { SqlPool } from '../../domain/sql.ts';
import { isSubjectKey, subjectKeyHash } from '../../domain/subject-key.ts';
import type { Catalogue } from '../../store/catalogue.ts';
import { countUnrelayed } from '../../store/status.ts';
import { findLinks, linkKey } from '../../store/unresolved.ts';
import type { TakeEach } from '../each-event.ts';
import { faultsOfError, type RowFault } from './faults.ts';
import { checkHeader, type Job, type Kind } from './kind.ts';
import type { Row } from './rows.ts';

export type EventRowsParts = {
  readonly pool: SqlPool;
  readonly catalogue: Catalogue;
  readonly sealer: Sealer;
  readonly takeEach: TakeEach;
  /** Accepted events that are not in the log yet, beyond which a file waits: it is in no hurry, and others are. */
  readonly maxUnrelayed?: number;
};

const ATTRIBUTES: Readonly<Record<string, string>> = {
  id: 'id',
  type: 'type',
  source: 'source',
  subject: 'subject',
  subjectkey: 'allimsubjectkey',
  allimsubjectkey: 'allimsubjectkey',
  time: 'time',
  sequence: 'sequence',
  obligation: 'allimobligation',
  allimobligation: 'allimobligation',
  expirytime: 'expirytime',
};
const NAME = String.raw`[^."\/~]{1,100}`;
const DATA = new RegExp(String.raw`^data\.${NAME}(\.${NAME}){0,4}$`);
const KNOWN = 'id, type, source, subject, subjectkey, time, sequence, obligation, expirytime and data.<name>';
const MAX_UNRELAYED = 20_000;
const WAIT_MS = 200;

type Schema = Readonly<Record<string, unknown>>;
type Column =
  | { readonly name: string; readonly path: readonly string[] }
  | { readonly name: string; readonly attribute: string };

export function eventRows(parts: EventRowsParts): Kind {
  return {
    blockBytes: 65_536,
    check(names) {
      const isKnown = (name: string) =>
        Object.hasOwn(ATTRIBUTES, name) ||
        (DATA.test(name) && isSubjectKey(name) && !name.split('.').includes('__proto__'));
      checkHeader(names, ['type', 'source'], isKnown, KNOWN);
    },
    open(names, job) {
      const columns = names.map(
        (name): Column =>
          name.startsWith('data.')
            ? { name, path: name.slice('data.'.length).split('.') }
            : { name, attribute: ATTRIBUTES[name]! },
      );
      return async (rows) => {
        const values = rows.map((row) =>
          eventOf(row, columns, job, (type) => schemaOf(parts.catalogue, type)),
        );
        return async (commit) => {
          while ((await countUnrelayed(parts.pool)) > (parts.maxUnrelayed ?? MAX_UNRELAYED))
            await delay(WAIT_MS, undefined, { signal: job.signal });
          const outcomes = await parts.takeEach(job.caller, values);
          const faults: RowFault[] = [];
          for (const [index, error] of outcomes.entries())
            if (error !== null)
              faults.push(
                ...faultsOfError(rows[index]!.line, error, (pointer) => columnOf(pointer, columns)),
              );
          const taken = rows.flatMap(({ line }, index) =>
            outcomes[index] === null ? [{ line, value: values[index]! }] : [],
          );
          const notes = await unlinked(parts, taken);
          await commit(parts.pool, {
            accepted: taken.length,
            faults: [...faults, ...notes].sort((a, b) => a.line - b.line),
            unresolved: notes.length,
          });
        };
      };
    },
  };
}

function schemaOf(catalogue: Catalogue, type: string): Schema {
  return catalogue.current().eventTypes.get(type)?.schema ?? {};
}

function eventOf(
  { line, cells }: Row,
  columns: readonly Column[],
  job: Job,
  schema: (type: string) => Schema,
): Record<string, unknown> {
  // A row that is read again after a crash is the same event.
  const event: Record<string, unknown> = { specversion: '1.0', id: `${job.id}-${line}` };
  for (const [index, column] of columns.entries())
    if ('attribute' in column && cells[index] !== '') event[column.attribute] = cells[index]!.trim();
  const root = schema(String(event['type'] ?? ''));
  const data: Record<string, unknown> = {};
  for (const [index, column] of columns.entries()) {
    if ('attribute' in column || cells[index] === '') continue;
    let at = data;
    let wanted = root;
    for (const [depth, name] of column.path.entries()) {
      wanted = (wanted['properties'] as Record<string, Schema> | undefined)?.[name] ?? {};
      if (depth === column.path.length - 1) at[name] = typed(cells[index]!, wanted);
      else {
        const inner = at[name];
        const next = inner !== null && typeof inner === 'object' ? (inner as Record<string, unknown>) : {};
        at[name] = next;
        at = next;
      }
    }
  }
  return { ...event, data };
}

const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d{1,3})?$/;

/** A cell as the schema wants it, or as it is. */
function typed(cell: string, schema: Schema): unknown {
  const {
    type,
    enum: members,
    const: constant,
  } = schema as { type?: unknown; enum?: unknown; const?: unknown };
  const text = cell.trim();
  const fixed = [...(Array.isArray(members) ? members : []), constant].find((one) => String(one) === text);
  if (fixed !== undefined) return fixed;
  for (const one of [type].flat()) {
    if ((one === 'integer' || one === 'number') && NUMBER.test(text)) {
      const number = Number(text);
      if (Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number)))
        return number;
    }
    if (one === 'boolean' && /^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
    if (one === 'object' || one === 'array')
      try {
        return JSON.parse(text) as unknown;
      } catch {
        // The schema says that a text is not what it wants.
      }
  }
  return cell;
}

/** The column that a pointer into the event means: the longest that leads to it. */
function columnOf(pointer: string, columns: readonly Column[]): string {
  const path = pointer.split('/').slice(1);
  const attribute = columns.find((column) => 'attribute' in column && column.attribute === path[0]);
  if (attribute !== undefined) return attribute.name;
  if (path[0] !== 'data') return path[0] ?? '';
  for (let length = path.length; length > 1; length--) {
    const name = path.slice(0, length).join('.');
    if (columns.some((column) => column.name === name)) return name;
  }
  return path.join('.');
}

/** Accepted events whose person nobody has linked: they wait, and whoever sent them wants to know. */
async function unlinked(
  parts: EventRowsParts,
  taken: readonly { readonly line: number; readonly value: Readonly<Record<string, unknown>> }[],
): Promise<RowFault[]> {
  const keyed = taken.flatMap(({ line, value }) => {
    const { allimsubjectkey: key, subject, type } = value;
    const agency = parts.catalogue.current().eventTypes.get(String(type))?.agency;
    if (typeof key !== 'string' || subject !== undefined || agency === undefined) return [];
    return [{ line, agency, hash: subjectKeyHash(parts.sealer, agency, key) }];
  });
  const links = await findLinks(
    parts.pool,
    keyed.map((one) => one.agency),
    keyed.map((one) => one.hash),
  );
  return keyed
    .filter(({ agency, hash }) => !links.has(linkKey(agency, hash)))
    .map(({ line }) => ({
      line,
      field: 'subjectkey',
      code: 'subject-unresolved',
      message: 'is linked to nobody yet: the event waits for a link',
      taken: true,
    }));
}
