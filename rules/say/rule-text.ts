/**
 * A rule file as text: members in the order in which a reader wants them, lists of plain values in one line where they fit; attributes of test
 * citizens, data of events and templates stay in the order in which they were given. What a rule says is not touched: its hash stays.
 */

/** As biome.json has it, so that `npm run format` leaves these files alone. */
const WIDTH = 110;

/** The order of members by the name of what holds them; what is not listed comes after, as it was given. */
const ORDER: Readonly<Record<string, readonly string[]>> = {
  rule: [
    ...['id', 'agency', 'title', 'on', 'category', 'reach', 'condition', 'obligation', 'deadline', 'stages'],
    ...['channels', 'cascade', 'overflow', 'templates', 'action', 'basis', 'tests'],
  ],
  title: ['ko', 'en', 'vi'],
  obligation: ['kind', 'ref'],
  deadline: ['at', 'ifDayOff'],
  stages: ['kind', 'anchor', 'offset', 'time', 'workingDay'],
  action: ['url', 'tel'],
  basis: ['law', 'source', 'checkedOn'],
  tests: ['name', 'title', 'asOf', 'citizen', 'event', 'expect'],
};

export function ruleText(rule: unknown): string {
  return `${written(rule, 'rule', 0, 0)}\n`;
}

/** `before`: characters that stand on the line already. */
function written(value: unknown, name: string, indent: number, before: number): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const [inner, outer] = [' '.repeat(indent + 2), ' '.repeat(indent)];
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    if (value.every((item) => item === null || typeof item !== 'object')) {
      const line = `[${value.map((item) => JSON.stringify(item)).join(', ')}]`;
      // One for the comma that may follow.
      if (before + line.length + 1 <= WIDTH) return line;
    }
    const items = value.map((item) => inner + written(item, name, indent + 2, indent + 2));
    return `[\n${items.join(',\n')}\n${outer}]`;
  }
  const members = ordered(Object.entries(value), ORDER[name]);
  if (members.length === 0) return '{}';
  const lines = members.map(([key, member]) => {
    const head = `${inner}${JSON.stringify(key)}: `;
    // Only what a rule itself holds has an order: a condition may name anything.
    return head + written(member, indent === 0 ? key : '', indent + 2, head.length);
  });
  return `{\n${lines.join(',\n')}\n${outer}}`;
}

function ordered(
  members: readonly [string, unknown][],
  order: readonly string[] = [],
): readonly [string, unknown][] {
  const place = (key: string): number => (order.includes(key) ? order.indexOf(key) : order.length);
  return members.toSorted(([a], [b]) => place(a) - place(b));
}
