/**
 * What days-off.json amends of the calendar library, read strictly: a day that is misspelt would otherwise be a working day, in silence,
 * and a deadline fall on it.
 */

export type Yearly = {
  /** MM-DD. */
  readonly monthDay: string;
  /** First and last year; without `to` until further notice. */
  readonly from: number;
  readonly to?: number;
  readonly name: string;
  readonly basis: string;
  /** On a Saturday, a Sunday or another holiday the next day that is none is off too. */
  readonly substitute?: true;
};

export type DaysOff = {
  readonly yearly: readonly Yearly[];
  readonly add: readonly { readonly day: string; readonly name: string; readonly basis: string }[];
  readonly remove: readonly { readonly day: string; readonly basis: string }[];
};

/** An Error that names the place and what must stand there. */
export function readDaysOff(json: unknown): DaysOff {
  const file = membersOf(json, '', ['about', 'yearly', 'add', 'remove']);
  text(file['about'], '/about');
  return {
    yearly: listOf(file['yearly'], '/yearly').map(([entry, at]) => readYearly(entry, at)),
    add: listOf(file['add'], '/add').map(([entry, at]) => {
      const { day, name, basis } = membersOf(entry, at, ['day', 'name', 'basis']);
      return {
        day: dayAt(day, `${at}/day`),
        name: text(name, `${at}/name`),
        basis: text(basis, `${at}/basis`),
      };
    }),
    remove: listOf(file['remove'], '/remove').map(([entry, at]) => {
      const { day, basis } = membersOf(entry, at, ['day', 'basis']);
      return { day: dayAt(day, `${at}/day`), basis: text(basis, `${at}/basis`) };
    }),
  };
}

function readYearly(entry: unknown, at: string): Yearly {
  const known = ['monthDay', 'from', 'to', 'name', 'basis', 'substitute'];
  const { monthDay, from, to, name, basis, substitute } = membersOf(entry, at, known);
  // Of a year like most: 29 February is not there every year.
  if (typeof monthDay !== 'string' || !isDay(`2001-${monthDay}`))
    wrong(`${at}/monthDay`, 'a day of every year as MM-DD');
  if (substitute !== undefined && substitute !== true) wrong(`${at}/substitute`, 'true, or be left out');
  const first = yearAt(from, `${at}/from`, 1970);
  return {
    monthDay: monthDay as string,
    from: first,
    ...(to === undefined ? {} : { to: yearAt(to, `${at}/to`, first) }),
    name: text(name, `${at}/name`),
    basis: text(basis, `${at}/basis`),
    ...(substitute === true ? { substitute } : {}),
  };
}

function wrong(at: string, wanted: string): never {
  throw new Error(`domain/kr/days-off.json${at}: this must be ${wanted}`);
}

function membersOf(value: unknown, at: string, known: readonly string[]): Readonly<Record<string, unknown>> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) wrong(at, 'an object');
  for (const name of Object.keys(value))
    if (!known.includes(name))
      throw new Error(`domain/kr/days-off.json${at}/${name}: this is not known here`);
  return value as Readonly<Record<string, unknown>>;
}

function listOf(value: unknown, at: string): [entry: unknown, at: string][] {
  if (!Array.isArray(value)) wrong(at, 'a list');
  return value.map((entry, index) => [entry, `${at}/${index}`]);
}

function text(value: unknown, at: string): string {
  return typeof value === 'string' && value.trim() !== '' ? value : wrong(at, 'a text');
}

function dayAt(value: unknown, at: string): string {
  return typeof value === 'string' && isDay(value) ? value : wrong(at, 'a day of the calendar as YYYY-MM-DD');
}

function yearAt(value: unknown, at: string, least: number): number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= 2099
    ? (value as number)
    : wrong(at, `a year from ${least} to 2099`);
}

function isDay(written: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(written)) return false;
  try {
    Temporal.PlainDate.from(written);
    return true;
  } catch {
    return false;
  }
}
