/**
 * Random conditions, citizens and events over the fields of fixtures.ts, for the properties that hold every reading against SQL. Values
 * crowd around each other and around month ends, so that conditions are true, false and unknown often.
 */
import fc from 'fast-check';
import { readExpression } from '../../rules/check/typing.ts';
import type { RuleFault } from '../../rules/refusals.ts';
import { eventType, fields } from './fixtures.ts';

type Json = fc.Arbitrary<unknown>;

const variable = (path: string): Json => fc.constant({ var: path });
const call = (op: Json | string, ...args: Json[]): Json =>
  fc
    .tuple(typeof op === 'string' ? fc.constant(op) : op, ...args)
    .map(([name, ...given]) => ({ [name as string]: given }));

export const days = fc
  .record({
    year: fc.integer({ min: 1996, max: 2028 }),
    month: fc.constantFrom(1, 2, 3, 12),
    day: fc.constantFrom(1, 2, 27, 28, 29, 30, 31),
  })
  .map(({ year, month, day }) =>
    Temporal.PlainDate.from({ year, month, day }, { overflow: 'constrain' }).toString(),
  );
const small = fc.integer({ min: -3, max: 32 });
const colours = fc.constantFrom('red', 'green', 'blue');

/** What stands for each kind of value: of the citizen, or of an item. */
type Words = {
  readonly date: Json;
  readonly otherDate: Json;
  readonly integer: Json;
  readonly otherInteger: Json;
  readonly number: Json;
  readonly boolean: Json;
  readonly colour: Json;
  readonly otherColour: Json;
  readonly text: Json;
};

const OF_CITIZEN: Words = {
  date: variable('citizen.d'),
  otherDate: variable('citizen.d2'),
  integer: variable('citizen.i'),
  otherInteger: variable('citizen.i2'),
  number: variable('citizen.n'),
  boolean: variable('citizen.b'),
  colour: variable('citizen.e'),
  otherColour: variable('citizen.e2'),
  text: variable('citizen.s'),
};
const OF_ITEM: Words = {
  date: variable('item.birthDate'),
  otherDate: variable('item.birthDate'),
  integer: variable('item.grade'),
  otherInteger: variable('item.grade'),
  number: variable('item.weight'),
  boolean: variable('item.boards'),
  colour: variable('item.school'),
  otherColour: variable('item.school'),
  text: variable('item.town'),
};
/** Items compared with their citizen. */
const OF_BOTH: Words = {
  ...OF_ITEM,
  otherDate: OF_CITIZEN.date,
  otherInteger: OF_CITIZEN.integer,
  otherColour: OF_CITIZEN.colour,
  boolean: fc.oneof(OF_ITEM.boolean, OF_CITIZEN.boolean),
};

function leavesOver(words: Words, condition: Json): Json {
  const { date, otherDate, integer, otherInteger, number, boolean, colour, otherColour, text } = words;
  const event = (name: string): Json => variable(`event.${name}`);
  const plain = fc.oneof(date, otherDate, event('date'));
  const dates = fc.oneof(
    { weight: 6, arbitrary: plain },
    {
      weight: 2,
      arbitrary: call(
        fc.constantFrom('addDays', 'addMonths', 'addYears'),
        fc.oneof(date, event('date')),
        fc.oneof(small, event('integer')),
      ),
    },
    { weight: 1, arbitrary: call('addWorkingDays', plain, fc.oneof(small, event('integer'))) },
    { weight: 1, arbitrary: call('workingDay', plain, fc.constantFrom('next', 'previous')) },
    { weight: 1, arbitrary: call('if', condition, plain, fc.oneof(days, plain)) },
  );
  const ofDate = fc.constantFrom(
    'age',
    'ageMonths',
    'yearAge',
    'parity',
    'monthDay',
    'daysUntil',
    'daysSince',
  );
  const integers = fc.oneof(
    integer,
    otherInteger,
    event('integer'),
    event('maybe'),
    event('nested.deep'),
    call(ofDate, dates),
    call('if', condition, integer, otherInteger),
  );
  const orders = fc.constantFrom('==', '!=', '<', '<=', '>', '>=');
  const equals = fc.constantFrom('==', '!=');
  const monthDays = fc.constantFrom(101, 131, 228, 229, 301, 1231);
  return fc.oneof(
    call(orders, integers, fc.oneof(small, integers)),
    call(orders, small, integers),
    call(orders, call('monthDay', plain), monthDays),
    call(orders, call('ageMonths', plain), fc.integer({ min: -2, max: 240 })),
    call(orders, dates, fc.oneof(days, dates)),
    call(
      orders,
      fc.oneof(number, event('number')),
      fc.oneof(fc.constantFrom(0.5, 2.25, 3), integers, number),
    ),
    call(orders, fc.constantFrom(0.5, 2.25, 3), number),
    // Values that are written down are of the type that the choice between them stands beside.
    call(orders, plain, call('if', condition, days, days)),
    call(orders, number, call('if', condition, fc.constantFrom(0.5, 2.25), fc.oneof(small, number))),
    call(equals, colour, call('if', condition, colours, fc.oneof(colours, otherColour))),
    call(equals, call('if', condition, text, colours), text),
    call('between', integers, small, small),
    call('between', dates, days, fc.oneof(days, otherDate)),
    call('between', number, fc.oneof(fc.constantFrom(0, 2.25), event('number')), fc.constantFrom(2.25, 7)),
    call('within', dates, fc.oneof(fc.integer({ min: -5, max: 4_000 }), event('integer'))),
    call('in', integers, fc.oneof(fc.array(small, { minLength: 1, maxLength: 4 }), event('integers'))),
    call('in', dates, fc.array(days, { minLength: 1, maxLength: 3 })),
    call('in', call('monthDay', plain), fc.array(monthDays, { minLength: 1, maxLength: 3 })),
    call(equals, colour, fc.oneof(colours, otherColour, text, event('text'), event('colour'))),
    call(equals, text, fc.oneof(colours, event('text'))),
    call(equals, event('text'), text),
    call(
      'in',
      fc.oneof(text, colour),
      fc.oneof(fc.array(colours, { minLength: 1, maxLength: 2 }), event('texts')),
    ),
    call(equals, boolean, fc.oneof(fc.boolean(), event('boolean'))),
    call('known', fc.oneof(date, integer, number, boolean, colour, text, event('maybe'), event('texts'))),
    boolean,
    event('boolean'),
  );
}

function conditionsOver(words: Words, more: (tie: Json) => Json[] = () => []): Json {
  return fc.letrec((tie) => ({
    condition: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      leavesOver(words, tie('condition')),
      fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((args) => ({ and: args })),
      fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((args) => ({ or: args })),
      call('!', tie('condition')),
      call('if', tie('condition'), tie('condition'), tie('condition')),
      ...more(tie('condition')),
    ),
  }))['condition'];
}

const quantifiers = fc.constantFrom('some', 'all', 'none');
const children = variable('citizen.children');

/** Conditions that check/ accepts, of every operator. */
export const conditions = conditionsOver(OF_CITIZEN, () => [
  call(quantifiers, children, conditionsOver(OF_ITEM)),
  call(quantifiers, children, conditionsOver(OF_BOTH)),
  call('known', children),
]).filter((condition) => {
  const faults: RuleFault[] = [];
  readExpression(
    condition,
    '',
    { fields, agency: eventType.agency, eventType, citizen: true },
    faults,
    'boolean',
  );
  // Now and then one is drawn beyond the limits; any other fault is for the test to stumble over.
  return !faults.some(({ code }) => code === 'too-costly' || code === 'too-deep' || code === 'too-large');
});

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 3 });
const numbers = fc.constantFrom(0, 0.5, 2, 2.25, 7);

const child = fc.record({
  id: fc.constant('c-1'),
  birthDate: maybe(days),
  grade: maybe(fc.integer({ min: 0, max: 12 })),
  school: maybe(colours),
  town: maybe(fc.constantFrom('red', 'green', 'x')),
  weight: maybe(numbers),
  boards: maybe(fc.boolean()),
});

/** A profile as it comes, and the fields of it that are disputed. */
export const citizens = fc.record({
  profile: fc.record({
    d: maybe(days),
    d2: maybe(days),
    i: maybe(fc.integer({ min: 0, max: 10 })),
    i2: maybe(fc.integer({ min: -5, max: 40 })),
    n: maybe(numbers),
    b: maybe(fc.boolean()),
    e: maybe(colours),
    e2: maybe(fc.constantFrom('red', 'green', 'grey')),
    s: maybe(fc.constantFrom('red', 'green', 'x')),
    children: maybe(fc.array(child, { maxLength: 4 })),
  }),
  disputed: fc.subarray(['d', 'i', 'b', 'e', 's', 'n', 'children'], { maxLength: 2 }),
});

export const events = fc.record({
  date: maybe(days),
  integer: maybe(small),
  number: maybe(fc.constantFrom(0.5, 3)),
  boolean: maybe(fc.boolean()),
  text: maybe(fc.constantFrom('red', 'x')),
  colour: maybe(fc.constantFrom('red', 'green')),
  maybe: fc.option(small, { freq: 3 }),
  nested: maybe(fc.record({ deep: small })),
  integers: maybe(fc.array(small, { maxLength: 3 })),
  texts: maybe(fc.array(colours, { maxLength: 3 })),
});
