/** Values that nobody could have by chance, one for each kind of thing that is somebody's own, and where any of them stands in a text. */

/** As it is written, in hexadecimal (a bytea), and with what people put between digits. */
type Marker = { readonly name: string; readonly value: string; readonly also?: readonly string[] };

export const PHONE = '+82109351726';
export const MARKERS: readonly Marker[] = [
  { name: 'phone', value: '9351726', also: ['9351-726', '9351 726'] },
  { name: 'email', value: 'canarymail7f3a' },
  { name: 'address', value: 'canarystreet41b8' },
  { name: 'name', value: '카나리아9윤' },
  { name: 'birth date', value: '1931-07-23', also: ['19310723', '1931. 7. 23'] },
  { name: 'income', value: '"recognisedIncome":53719', also: ['"recognisedIncome": 53719', '53719'] },
  { name: 'push endpoint', value: 'canaryendpoint9c2e' },
  { name: 'event data', value: '913572468', also: ['913,572,468'] },
  { name: 'body', value: 'canarybody5d10' },
  { name: 'member', value: 'canarymember8c1f' },
  { name: 'query', value: 'canaryquery77e2' },
  { name: 'header', value: 'canaryheader3ac9' },
  { name: 'path', value: 'canarypathb8f4' },
  { name: 'token', value: 'canarytoken2e6d' },
  { name: 'password', value: 'canarypassword94aa' },
  { name: 'account', value: 'canaryaccount0c37' },
  { name: 'search', value: 'canarysearch61f5' },
  { name: 'code', value: '739164' },
];

export const mark = (name: string): string => MARKERS.find((one) => one.name === name)!.value;

const hex = (text: string) => Buffer.from(text).toString('hex');
const PATTERNS = MARKERS.map(({ name, value, also = [] }) => {
  const forms = [value, ...also].flatMap((one) => [one, encodeURIComponent(one), hex(one)]);
  const literal = [...new Set(forms)].map((one) => one.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  // Digits alone are looked for as a number of their own: an id may hold them.
  const edge = /^\d+$/.test(value) || name === 'income' ? '(?<![0-9A-Za-z-])' : '';
  return { name, pattern: new RegExp(`${edge}(?:${literal.join('|')})`, 'i') };
});

/** The names of what stands in it. */
export function marksIn(text: string): string[] {
  return PATTERNS.filter(({ pattern }) => pattern.test(text)).map(({ name }) => name);
}
