/**
 * Judges the templates of a rule before anybody is told anything: every variable exists for this rule and cannot be missing, every channel
 * and reach has its words, and no text is longer than its channel carries. Lengths are measured on the event type's own examples.
 */
import type { Content } from '../domain/content.ts';
import { AllimError, type Fault, messageOf } from '../domain/errors.ts';
import type { EventType } from '../domain/event.ts';
import { REQUIRED_LOCALES } from '../domain/jurisdiction.ts';
import { measureSms, SMS_BYTES } from '../domain/kr/sms-bytes.ts';
import type { Reach, Rule } from '../domain/rule.ts';
import type { Channel } from '../domain/statuses.ts';
import {
  renderContent,
  type Template,
  type TemplateCatalogue,
  type TemplateText,
  type TemplateValues,
} from './catalogue.ts';
import { faultAt, type Refused, refused } from './refusals.ts';

/** Title and body as JSON; below the protocol's 3,993 bytes so that old push services and the envelope fit too. */
export const PUSH_BYTES = 2_500;
/** UTF-16 units of one UCS-2 message, for scripts that EUC-KR does not hold. */
const UCS2_UNITS = 70;
/** The longest day in each form, and a code. */
const LONGEST = { deadline: '2026-12-31', code: 'K7Q2-93' } as const;

export type CheckContext = {
  readonly rule: Rule;
  readonly eventType: EventType;
  /** Fields the rule's agency may use, each with its longest value. */
  readonly citizenFields: ReadonlyMap<string, string | number | boolean>;
};

export type Size = {
  readonly template: string;
  readonly file: string;
  /** SMS: bytes in EUC-KR, or UTF-16 units where that does not hold the script; push: bytes of JSON. */
  readonly size: number;
  readonly limit: number;
};
export type CheckReport = {
  readonly faults: readonly Fault[];
  readonly missing: readonly { readonly template: string; readonly file: string }[];
  readonly sizes: readonly Size[];
};

type ObjectSchema = {
  readonly properties?: Record<string, ObjectSchema>;
  readonly required?: readonly string[];
};

/** Whether a property path exists in the schema, and whether every step of it is required. */
function property(schema: ObjectSchema, path: readonly string[]): 'required' | 'optional' | 'unknown' {
  let at = schema;
  let required = true;
  for (const step of path) {
    const next =
      at.properties !== undefined && Object.hasOwn(at.properties, step) ? at.properties[step] : undefined;
    if (!next) return 'unknown';
    required &&= at.required?.includes(step) ?? false;
    at = next;
  }
  return required ? 'required' : 'optional';
}

/** What is wrong with the use of a variable, or null. */
function judge(
  name: string,
  guarded: boolean,
  corrected: boolean,
  { rule, eventType, citizenFields }: CheckContext,
): Refused | null {
  const [root = '', ...path] = name.split('.');
  if (name === 'agency' || name === 'code') return null;
  if (name === 'deadline') return rule.deadline ? null : refused('no-deadline');
  if (name === 'action.url' || name === 'action.tel')
    return guarded || rule.action?.[path[0] as 'url' | 'tel'] !== undefined
      ? null
      : refused('no-action', path[0]!);
  if (root === 'citizen' && path.length > 0) {
    if (!citizenFields.has(path.join('.'))) return refused('citizen-field', rule.agency);
    return guarded ? null : refused('citizen-unknown');
  }
  const old = root === 'old';
  if (old && !corrected) return refused('old-elsewhere');
  if (name === 'old.deadline') return rule.deadline ? null : refused('no-deadline');
  const eventPath = old ? path.slice(1) : path;
  if ((old ? path[0] : root) === 'event' && eventPath.length > 0) {
    const found = property(eventType.schema as ObjectSchema, eventPath);
    if (found === 'unknown') return refused('event-property', eventType.type);
    return found === 'required' || guarded ? null : refused('event-optional');
  }
  return refused('no-variable');
}

/** Values of an example, as long as they come. */
function sampleValues(
  event: Readonly<Record<string, unknown>>,
  context: CheckContext,
  agency: string,
): TemplateValues {
  return {
    event,
    citizen: Object.fromEntries(context.citizenFields),
    ...LONGEST,
    ...(context.rule.action ? { action: context.rule.action } : {}),
    agency,
    // What was said before differs from what is said now, so that both ways of a {{#changed}} are seen over the two renderings.
    old: { deadline: LONGEST.deadline, event },
  };
}

function differing(event: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(event).map(([key, value]) => [key, typeof value === 'number' ? value + 1 : value]),
  );
}

function measure(
  text: TemplateText,
  content: Content,
): { size: number; limit: number; lost: readonly string[] } | null {
  if (content.channel === 'push') {
    const size = Buffer.byteLength(JSON.stringify({ title: content.title, body: content.body }));
    return { size, limit: PUSH_BYTES - 1, lost: [] };
  }
  if (content.channel !== 'sms') return null;
  const { bytes, lost, extended } = measureSms(content.text);
  const eucKr = REQUIRED_LOCALES.includes(text.locale) || lost.length === 0;
  return eucKr
    ? { size: bytes, limit: SMS_BYTES, lost: [...lost, ...extended] }
    : { size: content.text.length, limit: UCS2_UNITS, lost: [] };
}

/** One template for one rule; `corrected` where the rule uses it for corrections. */
function checkText(
  template: Template,
  text: TemplateText,
  corrected: boolean,
  context: CheckContext,
  agency: string,
) {
  const faults: Fault[] = [];
  const pointer = `/${template.name}/${text.file}`;
  for (const { name, line, guarded } of text.variables) {
    const wrong = judge(name, guarded, corrected, context);
    if (wrong !== null) faults.push(faultAt(pointer, wrong, { line, name }));
  }
  let largest: ReturnType<typeof measure> = null;
  if (faults.length === 0) {
    for (const event of context.eventType.examples) {
      const values = sampleValues(event, context, agency);
      const variants = corrected
        ? [values, { ...values, old: { deadline: '2026-11-30', event: differing(event) } }]
        : [values];
      for (const variant of variants) {
        try {
          const { channel, locale, reach } = text;
          const measured = measure(
            text,
            renderContent(template, { channel, locale, reach, values: variant }),
          );
          if (measured && measured.size >= (largest?.size ?? 0)) largest = measured;
        } catch (error) {
          faults.push(faultAt(pointer, refused('unrenderable', messageOf(error))));
        }
      }
    }
  }
  if (largest) {
    const { size, limit, lost } = largest;
    if (size > limit) faults.push(faultAt(pointer, refused('too-long', size, limit)));
    if (lost.length > 0) faults.push(faultAt(pointer, refused('unsendable', lost.join(', '))));
  }
  return { faults, size: largest };
}

/** Everything about the templates of one rule. A missing Korean or English text is a fault, a missing text in a locale some other has is listed. */
export function checkTemplates(catalogue: TemplateCatalogue, context: CheckContext): CheckReport {
  const { rule } = context;
  const faults: Fault[] = [];
  const missing: { template: string; file: string }[] = [];
  const sizes: Size[] = [];
  const reaches: readonly Reach[] = rule.reach === 'possible' ? ['certain', 'possible'] : ['certain'];
  const uses = new Map<string, boolean>();
  for (const [stage, name] of Object.entries(rule.templates))
    uses.set(name, (uses.get(name) ?? true) && stage === 'corrected');
  for (const [name, corrected] of uses) {
    const template = catalogue.templates.get(name);
    if (!template) {
      faults.push(faultAt(`/${name}`, refused('no-template', name, rule.id)));
      continue;
    }
    for (const text of template.texts) {
      const found = checkText(
        template,
        text,
        corrected,
        context,
        catalogue.agencyName(rule.agency, text.locale),
      );
      faults.push(...found.faults);
      if (found.size)
        sizes.push({ template: name, file: text.file, size: found.size.size, limit: found.size.limit });
    }
    for (const locale of new Set([...REQUIRED_LOCALES, ...template.locales]))
      for (const channel of rule.channels)
        for (const reach of reaches) {
          if (template.byKey.has(`${locale}.${channel}.${reach}`)) continue;
          const file = fileOf(locale, channel, reach);
          missing.push({ template: name, file });
          if (REQUIRED_LOCALES.includes(locale))
            faults.push(faultAt(`/${name}/${file}`, refused('text-missing', rule.id)));
        }
  }
  return { faults, missing, sizes };
}

function fileOf(locale: string, channel: Channel, reach: Reach): string {
  return `${locale}.${channel}${reach === 'possible' ? '.possible' : ''}.hbs`;
}

/** As checkTemplates, throwing `template-invalid` where there is any fault. */
export function assertTemplates(catalogue: TemplateCatalogue, context: CheckContext): CheckReport {
  const report = checkTemplates(catalogue, context);
  if (report.faults.length > 0) {
    const all = report.faults.map((fault) => `${fault.pointer}: ${fault.message}`).join('\n');
    throw new AllimError('template-invalid', all, { faults: report.faults, ids: { rule: context.rule.id } });
  }
  return report;
}
