/**
 * A fast way through a profile in JSON, straight from its bytes to codes: no text is decoded and no object made. It reads what registers
 * write (plain ASCII without escapes, known fields once each, values that the catalogue allows) and says exactly what profile.ts would; of
 * anything else, faults among it, it says nothing, and profile.ts reads it.
 * Hot. Names are compared four bytes at a time with the one that followed last time.
 */
import { dayNumberOf, daysInMonth } from '../calendar.ts';
import {
  type CitizenField,
  FIRST_PROFILE_DAY,
  LAST_PROFILE_DAY,
  MAX_ITEMS,
  MAX_TEXT,
  type ScalarField,
} from '../catalogue.ts';
import { type Item, isCitizenId, type Layout, type ProfileValue } from './profile.ts';
import { type Slot, slotOf } from './record-slots.ts';
import type { Staged } from './staged.ts';

/** Longer ones go the other way. */
const LONGEST = 65_536;
/** What is read beyond the end is this, which ends everything. */
const MARGIN = 128;
const KEPT_TEXTS = 4_096;
const [QUOTE, BACKSLASH, COLON, COMMA, SPACE, MINUS, ZERO] = [0x22, 0x5c, 0x3a, 0x2c, 0x20, 0x2d, 0x30];
const [OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];
const word = (text: string): number => Buffer.from(text).readInt32LE();
const [TRUE, FALS, NULL] = [word('true'), word('fals'), word('null')];

/** A name as it stands in JSON, quotes included, in words; the last overlaps the one before. */
type Name = { readonly length: number; readonly words: Int32Array };
type Named = { readonly name: Name; readonly slot: Slot; readonly kept: Map<number, Kept> };
type Kept = { readonly text: string; readonly bytes: Buffer; readonly code: number };
/** Fields that stand in one object, a citizen's or an item's. */
type Names = {
  readonly all: readonly Name[];
  readonly byHash: ReadonlyMap<number, number>;
  readonly follows: Int32Array;
};

function nameOf(name: string): Name {
  const bytes = Buffer.from(`"${name}"`);
  const words = bytes.length < 4 ? 0 : Math.ceil(bytes.length / 4);
  const starts = Array.from({ length: words }, (_, at) => Math.max(0, Math.min(at * 4, bytes.length - 4)));
  return { length: bytes.length, words: Int32Array.from(starts, (at) => bytes.readInt32LE(at)) };
}

const mix = (hash: number, byte: number): number => Math.imul(hash ^ byte, 0x01000193);

function hashOf(text: string): number {
  let hash = 0x811c9dc5 | 0;
  for (const byte of Buffer.from(text)) hash = mix(hash, byte);
  return hash;
}

function namesOf(names: readonly string[]): Names {
  return {
    all: names.map(nameOf),
    byHash: new Map(names.map((name, at) => [hashOf(name), at])),
    follows: new Int32Array(names.length + 1),
  };
}

/** Names shorter than two characters fill no word: such a catalogue is read the other way alone. */
const isReadable = (names: readonly string[]): boolean =>
  names.every((name) => name.length >= 2 && /^[\x21-\x7e]+$/.test(name) && !/["\\]/.test(name));

export class ProfileTexts {
  private readonly staged: Staged;
  private readonly readable: boolean;
  private readonly names: Names;
  private readonly scalars: readonly Named[];
  private readonly lists: readonly { readonly names: Names; readonly members: readonly Named[] }[];
  private readonly seen: Int32Array;
  private turn = 0;
  private readonly bytes = Buffer.alloc(LONGEST + MARGIN);
  private readonly view = new DataView(this.bytes.buffer, this.bytes.byteOffset);
  private at = 0;
  /** Where the row begins in what is staged. */
  private row = 0;
  /** Of the text that was read last. */
  private hash = 0;

  constructor(layout: Layout, staged: Staged) {
    this.staged = staged;
    const named = (field: ScalarField | CitizenField): Named => ({
      name: nameOf(field.name),
      slot: slotOf(field),
      kept: new Map(),
    });
    const names = [...layout.scalars, ...layout.lists.map(({ field }) => field)].map(({ name }) => name);
    this.names = namesOf(names);
    this.scalars = layout.scalars.map(named);
    this.lists = layout.lists.map(({ field }) => {
      const members = Object.values(field.items).map(named);
      return { names: namesOf(members.map(({ slot }) => slot.field.name)), members };
    });
    const all = [
      ...names,
      ...this.lists.flatMap(({ members }) => members.map(({ slot }) => slot.field.name)),
    ];
    this.readable = isReadable(all) && this.lists.every(({ members }) => members.length < 32);
    this.seen = new Int32Array(names.length);
  }

  /** Reads into the row behind the whole ones. False where it has to be read the other way; what is in the row is then nothing. */
  read(value: Buffer): boolean {
    if (!this.readable || value.length > LONGEST) return false;
    const { bytes, names, seen } = this;
    bytes.set(value);
    bytes[value.length] = 0;
    this.row = this.staged.begin();
    this.at = 0;
    const turn = ++this.turn;
    if (!this.take(OPEN)) return false;
    for (let last = names.all.length, first = true; ; first = false) {
      this.skip();
      if (bytes[this.at] === CLOSE) break;
      if (!first && !this.take(COMMA)) return false;
      this.skip();
      const field = this.nameAfter(names, last);
      if (field < 0 || seen[field] === turn || !this.take(COLON)) return false;
      seen[field] = turn;
      last = field;
      this.skip();
      if (!this.readField(field)) return false;
    }
    this.at++;
    this.skip();
    return this.at === value.length;
  }

  private skip(): void {
    while (this.bytes[this.at] === SPACE) this.at++;
  }

  private take(byte: number): boolean {
    this.skip();
    if (this.bytes[this.at] !== byte) return false;
    this.at++;
    return true;
  }

  /** Which name stands here, probably that which followed `last` before; -1 where it is none of them. */
  private nameAfter({ all, byHash, follows }: Names, last: number): number {
    const guess = follows[last]!;
    if (this.isHere(all[guess]!)) {
      this.at += all[guess]!.length;
      return guess;
    }
    const from = this.at;
    if (this.text() < 0) return -1;
    const found = byHash.get(this.hash) ?? -1;
    const { at } = this;
    this.at = from;
    if (found < 0 || at - from !== all[found]!.length || !this.isHere(all[found]!)) return -1;
    this.at = at;
    follows[last] = found;
    return found;
  }

  private isHere({ length, words }: Name): boolean {
    const { view, at } = this;
    const last = words.length - 1;
    for (let i = 0; i < last; i++) if (view.getInt32(at + i * 4, true) !== words[i]) return false;
    return view.getInt32(at + length - 4, true) === words[last];
  }

  /** Passes over a text without escapes and leaves its hash; its length, or -1. */
  private text(): number {
    const { bytes } = this;
    if (bytes[this.at] !== QUOTE) return -1;
    const from = ++this.at;
    let hash = 0x811c9dc5 | 0;
    for (; ; this.at++) {
      const byte = bytes[this.at]!;
      if (byte === QUOTE) break;
      if (byte < SPACE || byte > 0x7e || byte === BACKSLASH) return -1;
      hash = mix(hash, byte);
    }
    this.hash = hash;
    return this.at++ - from;
  }

  private isNull(): boolean {
    if (this.view.getInt32(this.at, true) !== NULL) return false;
    this.at += 4;
    return true;
  }

  private readField(field: number): boolean {
    if (this.isNull()) return true;
    const { scalars, staged } = this;
    if (field >= scalars.length) {
      const list = field - scalars.length;
      const items = this.items(list);
      staged.items[list]![staged.rows] = items;
      return items !== undefined;
    }
    const named = scalars[field]!;
    if (named.slot.field.type === 'string') {
      const kept = this.keptText(named);
      staged.texts[field]![staged.rows] = kept?.text;
      return kept !== undefined;
    }
    // Numbers with fractions have no code, and are read the other way.
    const code = this.code(named);
    staged.codes[this.row + field] = code;
    return code > 0;
  }

  /** The code of a value, above 0; 0 where there is none that the field may have. */
  private code(named: Named): number {
    const { slot } = named;
    switch (slot.field.type) {
      case 'date':
        return this.day(slot.base);
      case 'boolean':
        return this.truth();
      case 'integer':
        return this.integer(slot.field.min, slot.field.max);
      case 'enum':
        return this.keptText(named)?.code ?? 0;
      default:
        return 0;
    }
  }

  private truth(): number {
    const { view, at, bytes } = this;
    const four = view.getInt32(at, true);
    if (four === TRUE) {
      this.at = at + 4;
      return 2;
    }
    if (four !== FALS || bytes[at + 4] !== 0x65) return 0;
    this.at = at + 5;
    return 1;
  }

  private integer(min: number, max: number): number {
    const { bytes } = this;
    const negative = bytes[this.at] === MINUS;
    if (negative) this.at++;
    const from = this.at;
    let value = 0;
    for (let digit = bytes[this.at]! - ZERO; digit >= 0 && digit <= 9; digit = bytes[++this.at]! - ZERO)
      value = value * 10 + digit;
    const digits = this.at - from;
    if (digits === 0 || digits > 9 || (bytes[from] === ZERO && (digits > 1 || negative))) return 0;
    // What goes on (a point, an exponent) is nothing that may follow a value, and ends the reading.
    if (negative) value = -value;
    return value >= min && value <= max ? value - min + 1 : 0;
  }

  private digits(at: number, count: number): number {
    let value = 0;
    for (let i = at; i < at + count; i++) {
      const digit = this.bytes[i]! - ZERO;
      if (digit < 0 || digit > 9) return -1;
      value = value * 10 + digit;
    }
    return value;
  }

  private day(base: number): number {
    const { bytes, at } = this;
    if (bytes[at] !== QUOTE || bytes[at + 5] !== MINUS || bytes[at + 8] !== MINUS || bytes[at + 11] !== QUOTE)
      return 0;
    const year = this.digits(at + 1, 4);
    const month = this.digits(at + 6, 2);
    const day = this.digits(at + 9, 2);
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return 0;
    const number = dayNumberOf(year, month, day);
    this.at = at + 12;
    return number >= FIRST_PROFILE_DAY && number <= LAST_PROFILE_DAY ? number - base + 1 : 0;
  }

  /** A text that the field may have; undefined where it has to be judged the other way. */
  private keptText({ slot, kept }: Named): Kept | undefined {
    const length = this.text();
    if (length < 1) return undefined;
    const to = this.at - 1;
    const known = kept.get(this.hash);
    if (known !== undefined && isSame(known.bytes, this.bytes, to - length)) return known;
    const text = this.bytes.toString('latin1', to - length, to);
    const { field, codes } = slot;
    if (
      field.type === 'string' ? length > MAX_TEXT || field.pattern?.test(text) === false : !codes?.has(text)
    )
      return undefined;
    const found = { text, bytes: Buffer.from(`${text}"`), code: codes?.get(text) ?? 0 };
    if (kept.size >= KEPT_TEXTS) kept.clear();
    kept.set(this.hash, found);
    return found;
  }

  private items(list: number): Item[] | undefined {
    const items: Item[] = [];
    if (!this.take(OPEN_LIST)) return undefined;
    if (this.take(CLOSE_LIST)) return items;
    do {
      const item = this.item(this.lists[list]!);
      if (item === undefined || items.push(item) > MAX_ITEMS) return undefined;
    } while (this.take(COMMA));
    return this.take(CLOSE_LIST) ? items : undefined;
  }

  private item({
    names,
    members,
  }: {
    readonly names: Names;
    readonly members: readonly Named[];
  }): Item | undefined {
    const item: ProfileValue[] = [];
    for (const { slot } of members) if (slot.field.type !== 'citizen') item.push(undefined);
    let found = 0;
    if (!this.take(OPEN)) return undefined;
    for (let last = members.length; ; ) {
      this.skip();
      const member = this.nameAfter(names, last);
      // Bits of one word: a list has few members.
      if (member < 0 || (found >> member) & 1 || !this.take(COLON)) return undefined;
      found |= 1 << member;
      last = member;
      this.skip();
      if (!this.readMember(members, member, item)) return undefined;
      if (!this.take(COMMA)) break;
    }
    const hasIds = members.every(({ slot }, at) => slot.field.type !== 'citizen' || (found >> at) & 1);
    return this.take(CLOSE) && hasIds ? item : undefined;
  }

  private readMember(members: readonly Named[], member: number, item: ProfileValue[]): boolean {
    const named = members[member]!;
    const { slot } = named;
    if (slot.field.type === 'citizen') {
      const length = this.text();
      return length > 0 && isCitizenId(this.bytes.toString('latin1', this.at - 1 - length, this.at - 1));
    }
    if (this.isNull()) return true;
    let position = 0;
    for (let at = 0; at < member; at++) if (members[at]!.slot.field.type !== 'citizen') position++;
    if (slot.field.type === 'string' || slot.field.type === 'enum') {
      item[position] = this.keptText(named)?.text;
      return item[position] !== undefined;
    }
    const code = this.code(named);
    item[position] = code + slot.base - 1;
    return code > 0;
  }
}

/** Whether `known`, which ends with a quote, stands at `from`. */
function isSame(known: Buffer, bytes: Buffer, from: number): boolean {
  for (let at = 0; at < known.length; at++) if (known[at] !== bytes[from + at]) return false;
  return true;
}
