/** What the schemas of event types say of a wrong record is Korean in the Korean console, for all that ship and whatever is wrong. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { AllimError } from '../../domain/errors.ts';
import type { CloudEvent } from '../../domain/event.ts';
import { compileEventTypes, parseEventType } from '../../domain/event-types.ts';
import { sayFault } from '../../web/console/client/pages/fault-words.ts';

const FOLDER = path.join(import.meta.dirname, '..', '..', 'producers', 'catalogue');
const types = readdirSync(FOLDER)
  .filter((file) => file.startsWith('kr.'))
  .map((file) => parseEventType(JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8'))));

const WRONG = [null, true, -1, 1.5, 99_999_999_999, '', 'x', '2026-13-45', 'x'.repeat(5_000), [], {}];

test('whatever is wrong with an event is said in Korean', () => {
  const compiled = compileEventTypes(types, (_, error) => {
    throw error;
  });
  const said = new Map<string, string>();
  for (const type of types) {
    const example = type.examples[0]!;
    const wrong: object[] = [{ ...example, unheardOf: 1 }, {}];
    for (const name of Object.keys(example))
      for (const value of WRONG) wrong.push({ ...example, [name]: value });
    for (const data of wrong)
      try {
        const [source] = type.sources;
        compiled.check({ type: type.type, source, data, allimobligation: 'x/1' } as unknown as CloudEvent);
      } catch (error) {
        if (!(error instanceof AllimError)) throw error;
        for (const { message } of error.faults) said.set(message, sayFault(message, 'ko'));
      }
  }
  expect(said.size).toBeGreaterThan(8);
  expect([...said].filter(([, korean]) => !/[가-힣]/.test(korean))).toEqual([]);
});
