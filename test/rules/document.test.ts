/** docs/rules.md shows every operator with examples; they are read from it and come out as it says. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { EventType } from '../../domain/event.ts';
import { parseDay } from '../../rules/calendar.ts';
import { shippedFields } from '../../rules/catalogue.ts';
import { readExpression } from '../../rules/check/typing.ts';
import { compileNumber } from '../../rules/compile/closure.ts';
import { scan } from '../../rules/compile/columns.ts';
import { OPERATORS } from '../../rules/language.ts';
import { Population } from '../../rules/population/population.ts';
import { readProfile } from '../../rules/population/profile.ts';
import type { RuleFault } from '../../rules/refusals.ts';

type Example = {
  readonly condition: unknown;
  readonly asOf?: string;
  readonly citizen?: object;
  readonly event?: Readonly<Record<string, unknown>>;
  readonly gives?: 'certain' | 'possible' | 'no';
  readonly refused?: string;
};

const text = readFileSync(path.join(import.meta.dirname, '..', '..', 'docs', 'rules.md'), 'utf8');
const blocks = [...text.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map((match) => match[1]!.trim());
const examples = blocks.flatMap((block) => block.split('\n')).map((line) => JSON.parse(line) as Example);
const fields = shippedFields();
const eventType: EventType = {
  type: 'kr.nhis.example.opened',
  agency: 'nhis',
  sources: [],
  effect: 'opens',
  obligationKind: 'example',
  title: { ko: '예', en: 'Example' },
  schema: {
    type: 'object',
    properties: {
      year: { type: 'integer' },
      opensOn: { type: 'string', format: 'date' },
      closesOn: { type: 'string', format: 'date' },
      regions: { type: 'array', items: { type: 'string' } },
    },
  },
  examples: [],
};

function operatorsIn(json: unknown): string[] {
  if (Array.isArray(json)) return json.flatMap(operatorsIn);
  if (json === null || typeof json !== 'object') return [];
  return Object.entries(json).flatMap(([op, inner]) => [op, ...operatorsIn(inner)]);
}

describe('docs/rules.md', () => {
  test.each(examples.map((example) => [JSON.stringify(example.condition), example] as const))(
    '%s',
    (_, example) => {
      const faults: RuleFault[] = [];
      const scope = { fields, agency: 'nhis', eventType, citizen: true };
      const node = readExpression(example.condition, '', scope, faults, 'boolean');
      expect(faults.map(({ code }) => code)).toEqual(example.refused === undefined ? [] : [example.refused]);
      if (node === undefined) return;
      const given = { event: example.event ?? {}, asOf: parseDay(example.asOf ?? '2026-02-01') };
      const population = new Population(fields);
      population.upsert('c', readProfile(example.citizen, population.layout));
      const truth = compileNumber(node, population.source())(0, given);
      const found = truth === 1 ? 'certain' : truth === 0 ? 'no' : 'possible';
      const audience = scan(node, population, given);
      expect([found, audience.certainCount, audience.possibleCount]).toEqual([
        example.gives,
        Number(example.gives === 'certain'),
        Number(example.gives === 'possible'),
      ]);
    },
  );

  test('shows every operator with what it gives', () => {
    const shown = new Set(
      examples.filter(({ gives }) => gives !== undefined).flatMap(({ condition }) => operatorsIn(condition)),
    );
    expect(OPERATORS.filter((op) => !shown.has(op))).toEqual([]);
    const described = text.replaceAll(/^```json\n[\s\S]*?^```$/gm, '');
    expect(OPERATORS.filter((op) => !described.includes(`\`${op}\``))).toEqual([]);
  });
});
