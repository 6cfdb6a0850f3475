/**
 * Brings the catalogue that ships as files into the ledger: agencies, event types, templates and rules, each through the checker that
 * a person's own would pass. The same files again change nothing; changed ones become new versions.
 */
import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import canonicalize from 'canonicalize';
import { AllimError, messageOf } from '../domain/errors.ts';
import type { EventType } from '../domain/event.ts';
import { parseEventType } from '../domain/event-types.ts';
import type { Logger } from '../domain/logger.ts';
import { type Sql, type SqlPool, transaction } from '../domain/sql.ts';
import { shippedFields } from '../rules/catalogue.ts';
import { checkRule } from '../rules/check/rule.ts';
import {
  approveRule,
  lockRevision,
  publishRule,
  saveAgency,
  saveEventType,
  saveLocaleFallbacks,
  saveRuleDraft,
} from '../store/catalogue.ts';
import { lastDecider } from '../store/rule-versions.ts';
import { liveTemplate, saveTemplate } from '../store/template-versions.ts';
import { loadTemplates } from '../templates/catalogue.ts';
import { assertTemplates } from '../templates/check.ts';
import { checkEvolution } from '../web/api/authoring.ts';
import { longestValues } from './authoring-checks.ts';

const ROOT = path.join(import.meta.dirname, '..');
const TEMPLATES = path.join(ROOT, 'templates', 'catalogue');
/** Author and approver of what ships: it was reviewed where it was written. */
const SHIPPED = 'allim';

async function readJsonFolder(folder: string): Promise<{ file: string; json: unknown }[]> {
  const found: { file: string; json: unknown }[] = [];
  for (const file of (await readdir(folder)).filter((name) => name.endsWith('.json')).sort()) {
    const text = await readFile(path.join(folder, file), 'utf8');
    try {
      found.push({ file, json: JSON.parse(text) });
    } catch (cause) {
      throw new AllimError('config-invalid', `${file}: ${messageOf(cause)}`, { cause });
    }
  }
  return found;
}

async function templateFiles(name: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const file of (await readdir(path.join(TEMPLATES, name))).sort())
    files[file] = await readFile(path.join(TEMPLATES, name, file), 'utf8');
  return files;
}

/** A shipped type may only change as one that comes over the API. Throws `event-invalid` naming the file, with pointers into it. */
async function needOldEventsValid(
  sql: Sql,
  types: ReadonlyMap<string, EventType>,
  files: ReadonlyMap<string, string>,
): Promise<void> {
  const { rows } = await sql.query<{ definition: EventType }>(
    'SELECT definition FROM event_types WHERE type = ANY($1::text[]) ORDER BY type',
    [[...types.keys()]],
  );
  for (const { definition: before } of rows)
    try {
      checkEvolution(before, types.get(before.type)!);
    } catch (cause) {
      if (!(cause instanceof AllimError)) throw cause;
      const places = cause.faults.map(({ pointer, message }) => `${pointer} ${message}`).join('; ');
      throw new AllimError(cause.code, `${files.get(before.type)}: ${cause.message}: ${places}`, {
        cause,
        faults: cause.faults,
      });
    }
}

/**
 * Checks everything first, then saves, approves and publishes in one transaction. Throws `event-invalid`, `rule-invalid` or
 * `template-invalid` with the faults, and then nothing was changed.
 */
export async function seedCatalogue(pool: SqlPool, logger: Logger): Promise<void> {
  const agencies = JSON.parse(await readFile(path.join(TEMPLATES, 'agencies.json'), 'utf8')) as Record<
    string,
    Record<string, string>
  >;
  const types = new Map<string, EventType>();
  const files = new Map<string, string>();
  for (const { file, json } of await readJsonFolder(path.join(ROOT, 'producers', 'catalogue'))) {
    const type = parseEventType(json);
    types.set(type.type, type);
    files.set(type.type, file);
  }
  const catalogue = await loadTemplates(TEMPLATES);
  const fields = shippedFields();
  const context = { fields, eventType: (name: string) => types.get(name) };
  const rules = (await readJsonFolder(path.join(ROOT, 'rules', 'published'))).map(({ json }) =>
    checkRule(json, context),
  );
  for (const rule of rules)
    assertTemplates(catalogue, {
      rule,
      eventType: types.get(rule.on)!,
      citizenFields: longestValues(fields, rule.agency),
    });

  await transaction(pool, async (sql) => {
    // First, as whoever publishes over the API does.
    await lockRevision(sql);
    await saveLocaleFallbacks(sql, catalogue.fallbacks);
    for (const [id, name] of Object.entries(agencies)) await saveAgency(sql, { id, name });
    await needOldEventsValid(sql, types, files);
    for (const type of types.values()) await saveEventType(sql, type);
    for (const template of catalogue.templates.values()) {
      // What people decided since is not undone by a restart, here as for rules below.
      const decider = (await liveTemplate(sql, template.name))?.decider ?? SHIPPED;
      if (decider !== SHIPPED) continue;
      // One agency's where only its rules use it.
      const owners = new Set(
        rules
          .filter((rule) => Object.values(rule.templates).includes(template.name))
          .map((rule) => rule.agency),
      );
      const agency = owners.size === 1 ? ([...owners][0] ?? null) : null;
      const { name, hash } = template;
      const definition = { name, files: await templateFiles(name) };
      await saveTemplate(sql, { name, hash, agency, definition, author: SHIPPED });
    }
    for (const rule of rules) {
      const decider = await lastDecider(sql, rule.id);
      if (decider !== undefined && decider !== SHIPPED) continue;
      const digest = hash('sha256', canonicalize(rule) ?? '', 'hex');
      const { version } = await saveRuleDraft(sql, rule, digest, SHIPPED);
      await approveRule(sql, rule.id, version, digest, SHIPPED);
      await publishRule(sql, rule.id, version);
    }
  });
  logger.info(
    {
      agencies: Object.keys(agencies).length,
      eventTypes: types.size,
      templates: catalogue.templates.size,
      rules: rules.length,
    },
    'the shipped catalogue is published',
  );
}
