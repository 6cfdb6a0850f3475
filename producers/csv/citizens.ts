/**
 * Citizens as rows: what `PUT /api/v1/citizens/{id}` does, by the same checks and with the same rights, some thousand at a time. An empty
 * cell leaves what is known as it is. The rows of a block are committed when the log holds their profiles. Hot: 25 µs a row of ours.
 */
import type { Broker, NewRecord } from '../../broker/broker.ts';
import type { Clock } from '../../domain/clock.ts';
import { AllimError } from '../../domain/errors.ts';
import { TOPICS } from '../../domain/records.ts';
import type { Sealer } from '../../domain/sealing.ts';
import { type SqlPool, transaction } from '../../domain/sql.ts';
import { zoneKnown } from '../../store/citizens.ts';
import { addressIndex, type ContactPoint, contactPointId, sealAddress } from '../../store/contact-points.ts';
import {
  type CitizenMerge,
  type ContactPointMerge,
  countCitizensOnce,
  foreignPoints,
  mergeContactPoints,
  mergeProfiles,
  saveCitizens,
} from '../../store/merge-citizens.ts';
import { type CitizenBodyOptions, type CitizenChange, readCitizenBody } from '../citizen-body.ts';
import { speaksForCitizens } from '../credential.ts';
import { bodyOf, columnOf, type FieldType, OWN_COLUMNS } from './citizen-cells.ts';
import { faultsOfError, type RowFault, rowFault } from './faults.ts';
import { checkHeader, type Job, type Kind } from './kind.ts';
import type { Row } from './rows.ts';

export type CitizenRowsParts = CitizenBodyOptions & {
  readonly pool: SqlPool;
  readonly broker: Pick<Broker, 'append'>;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly populationRegister: boolean;
  readonly fields: ReadonlyMap<string, FieldType>;
};

/** One citizen of a block: what all rows about them give together, the last word holding. */
type Person = {
  lines: number[];
  locale: string | null;
  zone: string | null;
  attributes: Record<string, unknown> | null;
  points: Map<string, ContactPoint & { readonly line: number }>;
};

export function citizenRows(parts: CitizenRowsParts): Kind {
  const { pool, sealer, clock, fields } = parts;

  return {
    blockBytes: 262_144,
    check(names) {
      const isKnown = (name: string) => (OWN_COLUMNS as readonly string[]).includes(name) || fields.has(name);
      checkHeader(
        names,
        ['citizen'],
        isKnown,
        `${OWN_COLUMNS.join(', ')} and the fields of GET /api/v1/fields`,
      );
      const attributes = names.filter((name) => fields.has(name));
      if (attributes.length > 0 && parts.populationRegister)
        throw new AllimError('profile-owned', 'a register owns the attributes of citizens here', {
          faults: attributes.map((name) => ({
            pointer: `/line/1/column/${names.indexOf(name) + 1}`,
            message: 'is owned by the population register',
          })),
        });
    },

    open(names, job) {
      const narrow = speaksForCitizens(job.caller) ? null : job.caller.agency;
      const source = job.caller.agency ?? 'administrator';
      const zones = new Map<string, boolean>();
      let counted = false;

      async function read(row: Row): Promise<CitizenChange & { readonly id: string }> {
        const { id, body } = bodyOf(row, names, fields);
        const change = readCitizenBody(id, body, narrow, parts);
        if (change.zone !== undefined) {
          if (!zones.has(change.zone)) zones.set(change.zone, await zoneKnown(pool, change.zone));
          if (zones.get(change.zone) === false)
            throw new AllimError('profile-invalid', 'the database does not know the time zone', {
              faults: [{ pointer: '/zone', message: 'is not a time zone that the database knows' }],
            });
        }
        return { ...change, id };
      }

      async function gather(rows: readonly Row[], faults: RowFault[]): Promise<Map<string, Person>> {
        const people = new Map<string, Person>();
        for (const row of rows)
          try {
            const change = await read(row);
            const known = people.get(change.id);
            const person: Person = known ?? {
              lines: [],
              locale: null,
              zone: null,
              attributes: null,
              points: new Map(),
            };
            if (known === undefined) people.set(change.id, person);
            person.lines.push(row.line);
            person.locale = change.locale ?? person.locale;
            person.zone = change.zone ?? person.zone;
            if (change.attributes !== undefined)
              person.attributes = { ...person.attributes, ...change.attributes };
            for (const point of change.contactPoints)
              person.points.set(`${point.channel}\n${point.address}`, { ...point, line: row.line });
          } catch (error) {
            if (!(error instanceof AllimError) || error.retryable) throw error;
            faults.push(...faultsOfError(row.line, error, (pointer) => columnOf(pointer, row, names)));
          }
        return people;
      }

      return async (rows) => {
        const faults: RowFault[] = [];
        const people = await gather(rows, faults);
        const points = sealed(people, sealer);
        if (narrow !== null) await leaveForeign(pool, narrow, people, points, faults);
        const provenance = createProvenance(source, clock.nowMs());
        const merges = [...people].map(
          ([id, { locale, zone, attributes }]): CitizenMerge => ({
            id,
            locale,
            zone,
            attributes: attributes === null ? null : JSON.stringify(attributes),
            provenance: provenance(Object.keys(attributes ?? {})),
          }),
        );
        const accepted = [...people.values()].reduce((sum, person) => sum + person.lines.length, 0);
        return async (commit) => {
          await transaction(pool, async (sql) => {
            const nowMs = clock.nowMs();
            if (merges.length > 0) {
              await saveCitizens(sql, merges, nowMs);
              const known = await mergeProfiles(sql, merges, nowMs);
              // Held until the log has them: the newest record of a citizen is the last one in the log (citizens.ts).
              await Promise.all([
                append(parts.broker, merges, known, job),
                writePoints(points, (some, verified) =>
                  mergeContactPoints(sql, some, verified, source, narrow, nowMs),
                ),
              ]);
            }
            await commit(sql, { accepted, faults: faults.sort((a, b) => a.line - b.line), unresolved: 0 });
          });
          if (!counted && merges.length > 0) await countCitizensOnce(pool, 1_000);
          counted = true;
        };
      };
    },
  };
}

type SealedPoint = ContactPointMerge & { readonly verified: boolean | undefined; readonly line: number };

function sealed(people: ReadonlyMap<string, Person>, sealer: Sealer): SealedPoint[] {
  const points: SealedPoint[] = [];
  for (const [citizen, person] of people)
    for (const { channel, address, content, verified, line } of person.points.values()) {
      if (channel === 'push') continue;
      const index = addressIndex(sealer, channel, address);
      const id = contactPointId(citizen, channel, index);
      points.push({
        id,
        citizen,
        channel,
        index,
        sealed: sealAddress(sealer, channel, content),
        verified,
        line,
      });
    }
  return points;
}

/**
 * What an agency may not change (citizen-rights.ts): a contact point that another wrote and that stays as it is needs no writing; one that
 * would change keeps its citizen out of the block.
 */
async function leaveForeign(
  pool: SqlPool,
  agency: string,
  people: Map<string, Person>,
  points: SealedPoint[],
  faults: RowFault[],
): Promise<void> {
  const foreign = await foreignPoints(
    pool,
    points.map((point) => point.id),
    agency,
  );
  const refused = new Map<string, Set<number>>();
  const own = points.filter((point) => {
    const known = foreign.get(point.id);
    if (known === undefined) return true;
    const changes = (point.verified ?? known.verified) !== known.verified;
    if (changes || (point.verified === true && known.invalid)) {
      const lines = refused.get(point.citizen) ?? new Set(people.get(point.citizen)!.lines);
      refused.set(point.citizen, lines);
      faults.push(
        rowFault(point.line, point.channel, 'was written by another, who alone may change it', 'forbidden'),
      );
      lines.delete(point.line);
    }
    return false;
  });
  for (const [citizen, others] of refused) {
    people.delete(citizen);
    for (const line of others)
      faults.push(
        rowFault(line, 'citizen', 'is refused with the other row about the same citizen', 'forbidden'),
      );
  }
  points.splice(0, points.length, ...own.filter((point) => people.has(point.citizen)));
}

/** Where the attributes of a block are from; rows of a file name the same fields, so it is written once for all of them. */
function createProvenance(source: string, nowMs: number): (names: readonly string[]) => string {
  const at = new Date(nowMs).toISOString();
  const written = new Map<string, string>();
  return (names) => {
    const key = names.join();
    let text = written.get(key);
    if (text === undefined) {
      text = JSON.stringify(Object.fromEntries(names.map((name) => [name, { source, at }])));
      written.set(key, text);
    }
    return text;
  };
}

async function append(
  broker: Pick<Broker, 'append'>,
  merges: readonly CitizenMerge[],
  known: ReadonlyMap<string, string>,
  job: Job,
): Promise<void> {
  const headers = job.options.initial === true ? { headers: { 'allim-initial': '1' } } : {};
  const records = merges.flatMap(({ id, attributes }): NewRecord[] =>
    attributes === null ? [] : [{ key: id, value: known.get(id) ?? attributes, ...headers }],
  );
  if (records.length > 0) await broker.append(TOPICS.profiles, records);
}

async function writePoints(
  points: readonly SealedPoint[],
  write: (points: readonly SealedPoint[], verified: boolean | undefined) => Promise<void>,
): Promise<void> {
  for (const verified of [undefined, true, false])
    await write(
      points.filter((point) => point.verified === verified),
      verified,
    );
}
