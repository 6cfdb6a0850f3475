/**
 * What is checked when a rule or a template comes in over the API: the same as when a file ships. A rule needs templates that exist and
 * whose variables its event type and agency provide; a changed template must still suit every live rule that uses it. A draft is held against
 * the texts that were saved last, which may be drafts as well; what is published, against those that will be live with it.
 */
import { AllimError, type Fault } from '../domain/errors.ts';
import type { EventType } from '../domain/event.ts';
import { inLocale } from '../domain/locales.ts';
import type { Rule } from '../domain/rule.ts';
import { type Fields, mayUse, shippedFields } from '../rules/catalogue.ts';
import { checkRule, readRule } from '../rules/check/rule.ts';
import { warningsOf } from '../rules/check/warnings.ts';
import type { Catalogue, Snapshot } from '../store/catalogue.ts';
import type { TemplateReader } from '../store/template-versions.ts';
import { parseTemplate, type Template, type TemplateCatalogue } from '../templates/catalogue.ts';
import { checkTemplates } from '../templates/check.ts';
import { renderedTexts, type TemplatePreviews } from '../templates/previews.ts';

/** What the author of a text must reckon with: the longest value of each field that the agency may use. */
export function longestValues(
  fields: Fields,
  agency: string,
): ReadonlyMap<string, string | number | boolean> {
  const values = new Map<string, string | number | boolean>();
  for (const field of fields.values()) {
    if (field.type === 'list' || !mayUse(field, agency)) continue;
    if (field.type === 'enum')
      values.set(
        field.name,
        field.values.reduce((a, b) => (b.length > a.length ? b : a)),
      );
    else if (field.type === 'string') values.set(field.name, 'x'.repeat(64));
    else if (field.type === 'integer') values.set(field.name, field.max);
    else if (field.type === 'number') values.set(field.name, 999_999_999);
    else values.set(field.name, field.type === 'date' ? '2026-12-31' : true);
  }
  return values;
}

function wordsOf(snapshot: Snapshot, templates: ReadonlyMap<string, Template>): TemplateCatalogue {
  return {
    templates,
    fallbacks: snapshot.localeFallbacks,
    agencyName: (agency, locale) =>
      inLocale(snapshot.agencies.get(agency)?.name, locale, snapshot.localeFallbacks) ?? agency,
  };
}

type Files = Readonly<Record<string, string>>;
/** The version of a template that a rule is held against; undefined where there is none. */
type VersionOf = (name: string) => Promise<number | undefined>;

/** What of a template can be read: a text that is wrong in itself takes nothing from the others, which somebody may be looking at. */
function readable(name: string, files: Files): { template: Template | undefined; faults: readonly Fault[] } {
  try {
    return { template: parseTemplate(name, files), faults: [] };
  } catch (error) {
    if (!(error instanceof AllimError) || error.code !== 'template-invalid') throw error;
    const wrong = new Set(error.faults.map(({ pointer }) => pointer.slice(`/${name}/`.length)));
    const rest = Object.entries(files).filter(([file]) => !wrong.has(file));
    if (wrong.has('meta.json') || rest.length < 2 || rest.length === Object.keys(files).length)
      return { template: undefined, faults: error.faults };
    return { template: parseTemplate(name, Object.fromEntries(rest)), faults: error.faults };
  }
}

export function createAuthoringChecks(catalogue: Catalogue, reader: TemplateReader) {
  const fields = shippedFields();

  async function filesOf(name: string, versionOf: VersionOf): Promise<Files | undefined> {
    const id = await versionOf(name);
    return id === undefined ? undefined : ((await catalogue.template(id)) as { files: Files }).files;
  }
  async function templateOf(name: string, versionOf: VersionOf): Promise<Template | undefined> {
    const files = await filesOf(name, versionOf);
    return files === undefined ? undefined : parseTemplate(name, files);
  }

  const liveIn =
    ({ templates }: Snapshot, approved?: ReadonlyMap<string, number>): VersionOf =>
    async (name) =>
      approved?.get(name) ?? templates.get(name);

  /** Faults of the templates that a rule names, where `changed` stands for the live one of its name. */
  async function faultsOf(
    snapshot: Snapshot,
    rule: Rule,
    eventType: EventType,
    versionOf: VersionOf,
    changed?: Template,
  ): Promise<readonly Fault[]> {
    const templates = new Map<string, Template>();
    for (const name of new Set(Object.values(rule.templates))) {
      const template = changed?.name === name ? changed : await templateOf(name, versionOf);
      if (template !== undefined) templates.set(name, template);
    }
    return checkTemplates(wordsOf(snapshot, templates), {
      rule,
      eventType,
      citizenFields: longestValues(fields, rule.agency),
    }).faults;
  }

  /** The templates of a draft as they would read, with texts that are not saved yet (name → files) in place of the saved ones. */
  async function previewsOf(
    rule: Rule,
    event: Readonly<Record<string, unknown>>,
    edited: Readonly<Record<string, Readonly<Record<string, string>>>>,
  ): Promise<TemplatePreviews> {
    const snapshot = await catalogue.refresh();
    const eventType = snapshot.eventTypes.get(rule.on);
    if (eventType === undefined)
      throw new AllimError('event-type-unknown', `no event type ${rule.on.slice(0, 128)} is known`);
    const templates = new Map<string, Template>();
    const faults: Fault[] = [];
    for (const name of new Set(Object.values(rule.templates))) {
      const files = Object.hasOwn(edited, name) ? edited[name] : await filesOf(name, reader.saved);
      if (files === undefined) continue;
      const read = readable(name, files);
      if (read.template !== undefined) templates.set(name, read.template);
      faults.push(...read.faults);
    }
    const words = wordsOf(snapshot, templates);
    const citizenFields = longestValues(fields, rule.agency);
    const report = checkTemplates(words, { rule, eventType, citizenFields });
    const broken = (pointer: string): boolean =>
      faults.some((fault) => fault.pointer === pointer || pointer === `/${fault.pointer.split('/')[1]}`);
    return {
      texts: renderedTexts(words, rule, event, citizenFields),
      // Of a text that cannot be read all that the check can say is that it is not there.
      faults: [...faults, ...report.faults.filter(({ pointer }) => !broken(pointer))],
      missing: report.missing.filter(({ template, file }) => !broken(`/${template}/${file}`)),
      sizes: report.sizes,
    };
  }

  /** Faults of a live rule and of its templates, if its event type were this. */
  async function faultsUnder(
    snapshot: Snapshot,
    rule: Rule,
    type: EventType,
    eventType: (name: string) => EventType | undefined,
  ): Promise<readonly Fault[]> {
    try {
      checkRule(rule, { fields, eventType });
    } catch (error) {
      if (error instanceof AllimError && error.code === 'rule-invalid') return error.faults;
      throw error;
    }
    return (await faultsOf(snapshot, rule, type, liveIn(snapshot))).map(({ pointer, message }) => ({
      pointer: `/templates${pointer}`,
      message,
    }));
  }

  /** A foreign template could change under the rule, by a hand that does not know it. */
  async function foreignTemplates(rule: Rule): Promise<Fault[]> {
    const faults: Fault[] = [];
    for (const [kind, name] of Object.entries(rule.templates)) {
      const owner = await reader.owner(name);
      if (owner != null && owner !== rule.agency)
        faults.push({ pointer: `/${kind}`, message: `${name} belongs to another agency` });
    }
    return faults;
  }

  const checks = {
    previewsOf,
    /** `rule-conflict` where a live rule of the type, or a template it uses, no longer checks with the schema. */
    async checkEventType(type: EventType): Promise<void> {
      const snapshot = await catalogue.refresh();
      const eventType = (name: string) => (name === type.type ? type : snapshot.eventTypes.get(name));
      for (const { rule, version } of snapshot.rulesByEventType.get(type.type) ?? []) {
        const found = await faultsUnder(snapshot, rule, type, eventType);
        if (found.length === 0) continue;
        throw new AllimError(
          'rule-conflict',
          `live rule ${rule.id} (version ${version}) does not stand with this schema: ${found[0]!.pointer} ${found[0]!.message}`,
          {
            faults: found.map(({ pointer, message }) => ({
              pointer: '/schema',
              message: `rule ${rule.id} ${pointer} ${message}`,
            })),
            ids: { rule: rule.id, version },
          },
        );
      }
    },
    /**
     * The rule as it is kept; `rule-invalid` with pointers into it, those of its templates under `/templates`. With `approved` (template →
     * version), as it would be once those are live.
     */
    async checkRule(json: unknown, approved?: ReadonlyMap<string, number>): Promise<Rule> {
      const snapshot = await catalogue.refresh();
      const rule = checkRule(json, { fields, eventType: (name) => snapshot.eventTypes.get(name) });
      const foreign = await foreignTemplates(rule);
      // What is wrong inside a foreign template is none of this author's business.
      const versionOf = approved === undefined ? reader.saved : liveIn(snapshot, approved);
      const found =
        foreign.length > 0
          ? foreign
          : await faultsOf(snapshot, rule, snapshot.eventTypes.get(rule.on)!, versionOf);
      if (found.length === 0) return rule;
      const faults = found.map((fault) => ({ ...fault, pointer: `/templates${fault.pointer}` }));
      throw new AllimError(
        'rule-invalid',
        `the rule's templates: ${faults[0]!.pointer} ${faults[0]!.message}`,
        {
          faults,
          ids: { rule: rule.id },
        },
      );
    },
    /** Of a rule that was checked a moment ago. */
    warningsOfRule(rule: Rule): readonly Fault[] {
      const { eventTypes } = catalogue.current();
      const { condition } = readRule(rule, { fields, eventType: (name) => eventTypes.get(name) });
      return warningsOf(condition, '/condition');
    },
    /** The template as it is kept; `template-invalid` where it is wrong in itself or for a live rule (but `replaced`) that uses it. */
    async checkTemplate(
      name: string,
      files: Readonly<Record<string, string>>,
      replaced?: string,
    ): Promise<{ hash: string; definition: unknown }> {
      const template = parseTemplate(name, files);
      const snapshot = await catalogue.refresh();
      for (const { rule } of snapshot.rules.values()) {
        if (rule.id === replaced || !Object.values(rule.templates).includes(name)) continue;
        const eventType = snapshot.eventTypes.get(rule.on);
        const faults =
          eventType === undefined
            ? []
            : await faultsOf(snapshot, rule, eventType, liveIn(snapshot), template);
        const own = faults.filter((fault) => fault.pointer.startsWith(`/${name}`));
        if (own.length > 0)
          throw new AllimError(
            'template-invalid',
            `the template does not suit rule ${rule.id}: ${own[0]!.pointer} ${own[0]!.message}`,
            {
              faults: own,
              ids: { template: name, rule: rule.id },
            },
          );
      }
      return { hash: template.hash, definition: { name, files } };
    },
    /** The same for a kept definition. */
    async recheckTemplate(name: string, definition: unknown, replaced?: string): Promise<void> {
      await checks.checkTemplate(name, (definition as { files: Record<string, string> }).files, replaced);
    },
  };
  return checks;
}
