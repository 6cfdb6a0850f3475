/** A rule made live without the checks of an author, for tests of what is asked about it. */
import { contentHash } from '../../domain/content-hash.ts';
import type { Rule } from '../../domain/rule.ts';
import { transaction } from '../../domain/sql.ts';
import { approveRule, publishRule, saveRuleDraft } from '../../store/catalogue.ts';
import type { HttpApi } from './http.ts';

export async function saveSketchedRule(
  { database, catalogue }: Pick<HttpApi, 'database' | 'catalogue'>,
  id: string,
  sketched: object,
): Promise<void> {
  const rule = {
    id,
    title: { ko: id },
    category: 'tax',
    reach: 'certain',
    stages: [],
    channels: ['sms'],
    templates: {},
    tests: [],
    ...sketched,
  } as unknown as Rule;
  const hash = contentHash(rule);
  await transaction(database.pool, async (sql) => {
    const { version } = await saveRuleDraft(sql, rule, hash, 'test');
    await approveRule(sql, id, version, hash, 'other');
    await publishRule(sql, id, version);
  });
  await catalogue.refresh();
}
