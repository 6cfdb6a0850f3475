/** Whose templates a rule may use. */
import { expect, test } from '@jest/globals';
import { createAuthoringChecks } from '../../app/authoring-checks.ts';
import type { Catalogue, Snapshot } from '../../store/catalogue.ts';
import { eventType, ruleFile } from '../rules/fixtures.ts';

const snapshot = {
  eventTypes: new Map([[eventType.type, eventType]]),
  agencies: new Map(),
  rules: new Map(),
  templates: new Map(),
} as unknown as Snapshot;
const catalogue = { refresh: async () => snapshot } as Catalogue;
const rule = ruleFile({ condition: { '==': [{ var: 'citizen.sido' }, '11'] } });
const check = (owner: string | null) =>
  createAuthoringChecks(catalogue, { owner: async () => owner, saved: async () => undefined }).checkRule(
    rule,
  );

test("a rule that uses another agency's template is refused, and hears no more of it", async () => {
  await expect(check('other')).rejects.toMatchObject({
    code: 'rule-invalid',
    faults: [{ pointer: '/templates/opened', message: 'test-opened belongs to another agency' }],
  });
});

test.each([['test'], [null]])('a template of %s is looked at itself', async (owner) => {
  const error = (await check(owner).catch((e: unknown) => e)) as { faults: { message: string }[] };
  expect(error.faults.length).toBeGreaterThan(0);
  for (const { message } of error.faults) expect(message).not.toMatch(/another agency/);
});
