/** Event types as agencies give them: one must neither break nor slow down the others. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { EventType } from '../../domain/event.ts';
import { compileEventTypes } from '../../domain/event-types.ts';

const CATALOGUE = path.join(import.meta.dirname, '../../producers/catalogue');
const shipped = readdirSync(CATALOGUE).map(
  (file) => JSON.parse(readFileSync(path.join(CATALOGUE, file), 'utf8')) as EventType,
);
const withSchema = (schema: Record<string, unknown>, more: Partial<EventType> = {}): EventType => ({
  type: 'kr.x.y',
  agency: 'x',
  sources: ['/x'],
  effect: 'informs',
  title: { ko: '가', en: 'a' },
  schema: { type: 'object', ...schema },
  examples: [{}],
  ...more,
});
const never = (type: EventType) => {
  throw new Error(`${type.type} was left out`);
};

describe('compiled types', () => {
  test('with the same $id do not clash', () => {
    const types = ['kr.x.a', 'kr.x.b'].map((type) => withSchema({ $id: 'https://x.example/s' }, { type }));
    expect(compileEventTypes(types, never).all).toHaveLength(2);
  });

  test('that do not compile are left out, the others stand', () => {
    const out: string[] = [];
    const broken = withSchema({ required: 3 });
    const types = compileEventTypes([broken, ...shipped], (type) => out.push(type.type));
    expect(out).toEqual(['kr.x.y']);
    expect(types.get('kr.x.y')).toBeUndefined();
    expect(types.all).toEqual(shipped);
  });
});
