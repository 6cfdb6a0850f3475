/**
 * What a builder calls a field: a variable, or what is computed of one, written like a call: `age(citizen.birthDate)`,
 * `addYears(citizen.birthDate, 65)`, `workingDay(event.closesOn, next)`. Both ways without loss.
 */
import type { Expression } from '../../domain/rule.ts';
import { CALENDAR, DIRECTIONS, type Literal, type Node } from '../language.ts';
import { variableName } from './expression.ts';

/** Parts of a name that need no quotes. */
const PLAIN = /^(?:citizen|item|event)(?:\.[A-Za-z0-9_-]+)+$/;
const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|([A-Za-z0-9_.-]+)|([(),]))/uy;
/** Names are made from trees that were checked; whatever else comes is refused before it costs anything. */
const MAX_LENGTH = 2_000;
const MAX_DEPTH = 32;

/** The name, or undefined where the term is no variable and nothing computed of one. */
export function fieldName(node: Node): string | undefined {
  switch (node.kind) {
    case 'field':
    case 'item':
    case 'event': {
      const name = variableName(node);
      return PLAIN.test(name) ? name : JSON.stringify(name);
    }
    case 'call': {
      if (!isCalendar(node.op) || node.op === 'within') return undefined;
      const args = node.args.map((arg) => (arg.kind === 'literal' ? plainLiteral(arg) : fieldName(arg)));
      return args.some((arg) => arg === undefined) ? undefined : `${node.op}(${args.join(', ')})`;
    }
    default:
      return undefined;
  }
}

const isCalendar = (op: string): boolean => (CALENDAR as readonly string[]).includes(op);

function plainLiteral({ type, value }: Literal): string | undefined {
  return type === 'integer' || type === 'text' ? String(value) : undefined;
}

/** What the name stands for, or undefined where it is no such name. Whether the field exists is not asked here. */
export function readFieldName(name: string): Expression | undefined {
  if (name.length > MAX_LENGTH) return undefined;
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < name.length; at = TOKEN.lastIndex) {
    const match = TOKEN.exec(name);
    if (match === null) return undefined;
    tokens.push(match[1] ?? match[2] ?? match[3]!);
  }
  const reader = { tokens, at: 0 };
  const read = readTerm(reader, 1);
  return reader.at === tokens.length ? read : undefined;
}

type Tokens = { readonly tokens: readonly string[]; at: number };

function readTerm(reader: Tokens, depth: number): Expression | undefined {
  const token = reader.tokens[reader.at++];
  if (token === undefined || depth > MAX_DEPTH) return undefined;
  if (token.startsWith('"')) return variableOf(unquoted(token));
  if (reader.tokens[reader.at] !== '(') return variableOf(token);
  if (!isCalendar(token)) return undefined;
  reader.at++;
  const args: Expression[] = [];
  do {
    const arg = args.length > 0 ? readAmount(reader, depth + 1) : readTerm(reader, depth + 1);
    if (arg === undefined) return undefined;
    args.push(arg);
  } while (reader.tokens[reader.at++] === ',');
  return reader.tokens[reader.at - 1] === ')' ? { [token]: args } : undefined;
}

function readAmount(reader: Tokens, depth: number): Expression | undefined {
  const token = reader.tokens[reader.at];
  if (token !== undefined && /^-?\d{1,15}$/.test(token)) {
    reader.at++;
    return Number(token);
  }
  if (DIRECTIONS.some((direction) => direction === token)) {
    reader.at++;
    return token;
  }
  return readTerm(reader, depth);
}

function unquoted(token: string): string {
  try {
    return JSON.parse(token) as string;
  } catch {
    return '';
  }
}

function variableOf(name: string): Expression | undefined {
  return /^(?:citizen|item|event)\../su.test(name) ? { var: name } : undefined;
}
