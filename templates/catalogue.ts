/**
 * Templates as files: `catalogue/<name>/meta.json` and `<locale>.<channel>[.possible].hbs`, with `catalogue/agencies.json` for the names of
 * agencies and `catalogue/locales.json` for the languages tried when one is missing. A version is the hash of everything in the folder: what was rendered yesterday can be rendered again. It renders; it never sends,
 * and it knows a citizen only by the values it is given.
 */
import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Content } from '../domain/content.ts';
import { AllimError, type Fault, messageOf } from '../domain/errors.ts';
import {
  inLocale,
  type LocaleFallbacks,
  NO_FALLBACKS,
  readLocaleFallbacks,
  textKey,
} from '../domain/locales.ts';
import type { Reach } from '../domain/rule.ts';
import { CHANNELS, type Channel } from '../domain/statuses.ts';
import { cleanValues, contentOf, HEADINGS } from './content.ts';
import { faultAt, type Refused, refused } from './refusals.ts';
import { compileSource, type Inspection, inspectSource, type RenderText } from './render.ts';

export type TemplateText = {
  readonly file: string;
  readonly locale: string;
  readonly channel: Channel;
  readonly reach: Reach;
  readonly render: RenderText;
  readonly variables: Inspection['variables'];
};

export type Template = {
  readonly name: string;
  /** The version: 64 hex digits over meta and every source. */
  readonly hash: string;
  readonly title: Readonly<Record<string, string>>;
  /** Its push and SMS only say that there is something. */
  readonly sensitive: boolean;
  readonly locales: readonly string[];
  readonly texts: readonly TemplateText[];
  /** By `<locale>.<channel>.<reach>`. */
  readonly byKey: ReadonlyMap<string, TemplateText>;
};

export type Snapshot = {
  readonly deadline?: string | null;
  readonly event: Readonly<Record<string, unknown>>;
};

/** Everything a text may name. `agency` is its name in the locale, `code` the short code; `old` is what an attempt had said before a correction. */
export type TemplateValues = {
  readonly event: Readonly<Record<string, unknown>>;
  readonly citizen?: Readonly<Record<string, string | number | boolean | null>>;
  /** YYYY-MM-DD. */
  readonly deadline?: string | null;
  readonly action?: { readonly url?: string; readonly tel?: string };
  readonly agency: string;
  readonly code: string;
  readonly old?: Snapshot;
};

export type RenderRequest = {
  readonly channel: Channel;
  readonly locale: string;
  readonly reach: Reach;
  readonly values: TemplateValues;
  /** Where mails of this kind are stopped. */
  readonly unsubscribe?: string;
};

const FILE = /^([a-z]{2,3}(?:-[A-Z]{2})?)\.(push|email|sms)(\.possible)?\.hbs$/;
/** All that a push or SMS of a sensitive template may name. */
const NEUTRAL = new Set(['agency', 'code', 'action.url', 'action.tel']);

function parseMeta(source: string | undefined, faults: Fault[]) {
  const fault = (why: Refused) => faults.push(faultAt('/meta.json', why));
  let meta: unknown;
  try {
    meta = JSON.parse(source ?? 'null');
  } catch (error) {
    fault(refused('meta-unreadable', messageOf(error)));
  }
  const { title, sensitive } = (meta ?? {}) as { title?: unknown; sensitive?: unknown };
  const named =
    title !== null && typeof title === 'object' && Object.values(title).every((t) => typeof t === 'string');
  if (!named) fault(refused(source === undefined ? 'meta-missing' : 'meta-title'));
  if (sensitive !== undefined && typeof sensitive !== 'boolean') fault(refused('meta-sensitive'));
  return { title: (named ? title : {}) as Record<string, string>, sensitive: sensitive === true };
}

/**
 * A template from its files (name → text). Throws `template-invalid` with every fault: what is wrong with a source on its own, whatever
 * rule uses it; check.ts judges it for a rule.
 */
export function parseTemplate(name: string, files: Readonly<Record<string, string>>): Template {
  const faults: Fault[] = [];
  const { title, sensitive } = parseMeta(files['meta.json'], faults);
  const texts: TemplateText[] = [];
  const names = Object.keys(files).sort();
  for (const file of names) {
    if (file === 'meta.json') continue;
    const parts = FILE.exec(file);
    if (!parts) {
      faults.push(
        faultAt(`/${file}`, refused('file-name', `<locale>.<${CHANNELS.join('|')}>[.possible].hbs`)),
      );
      continue;
    }
    const [, locale, channel, possible] = parts as unknown as [string, string, Channel, string | undefined];
    const source = files[file]!.replaceAll('\r\n', '\n').trimEnd();
    const { variables, faults: found } = inspectSource(source);
    const at = (line: number, why: Refused) => faults.push(faultAt(`/${file}`, why, { line }));
    for (const fault of found) at(fault.line, fault.refused);
    const heading = HEADINGS[channel];
    if (heading !== undefined && !new RegExp(`^${heading}: *\\S.*\\n\\s*\\S`).test(source))
      at(1, refused('heading', channel, heading));
    if (source === '') at(1, refused('empty'));
    if (sensitive && channel !== 'email') {
      for (const use of variables) {
        if (!NEUTRAL.has(use.name)) at(use.line, refused('sensitive', channel, use.name));
      }
    }
    if (found.length > 0) continue;
    const reach = possible ? 'possible' : 'certain';
    texts.push({ file, locale, channel, reach, variables, render: compileSource(source, locale) });
  }
  if (texts.length === 0 && faults.length === 0) faults.push(faultAt('', refused('no-text')));
  if (faults.length > 0) {
    const first = faults[0]!;
    throw new AllimError('template-invalid', `template ${name}${first.pointer}: ${first.message}`, {
      faults: faults.map((fault) => ({ ...fault, pointer: `/${name}${fault.pointer}` })),
      ids: { template: name },
    });
  }
  return {
    name,
    hash: hash('sha256', JSON.stringify(names.map((file) => [file, files[file]])), 'hex'),
    title,
    sensitive,
    locales: [...new Set(texts.map((text) => text.locale))],
    texts,
    byKey: new Map(texts.map((text) => [textKey(text.locale, text.channel, text.reach), text])),
  };
}

/** What a text may ask for with an if although it was not given. */
const OPTIONAL = { action: {} as { readonly url?: string }, citizen: {}, deadline: null };

/** The language was chosen when the notice was planned (domain/locales.ts): one that is not there is an error, never another language. */
function textFor(template: Template, { locale, channel, reach }: RenderRequest): TemplateText {
  const text = template.byKey.get(textKey(locale, channel, reach));
  if (text) return text;
  throw new AllimError(
    'template-failed',
    `template ${template.name} has no ${channel} for reach ${reach} in ${locale}`,
    { ids: { template: template.name, channel, locale } },
  );
}

/**
 * The words of one delivery. `template-failed` where a value that the text needs is missing or has another type: the message names the file
 * and never the value. Hot: 3 to 4 µs for a push or SMS, 5 to 8 µs for an email with its HTML.
 */
export function renderContent(template: Template, request: RenderRequest): Content {
  const text = textFor(template, request);
  const values = cleanValues({ ...OPTIONAL, ...request.values });
  try {
    return contentOf(
      request.channel,
      text.locale,
      text.render(values),
      values.action?.url,
      request.unsubscribe,
    );
  } catch (cause) {
    throw new AllimError('template-failed', `template ${template.name}/${text.file}: ${messageOf(cause)}`, {
      cause,
      ids: { template: template.name, file: text.file, version: template.hash.slice(0, 12) },
    });
  }
}

/** The catalogue fields a template names (`sido` for `citizen.sido`): the shard sends these and no others. */
export function citizenFieldsOf(template: Template): readonly string[] {
  const names = template.texts.flatMap((text) => text.variables.map((use) => use.name));
  return [
    ...new Set(names.filter((n) => n.startsWith('citizen.')).map((n) => n.slice('citizen.'.length))),
  ].sort();
}

export type TemplateCatalogue = {
  readonly templates: ReadonlyMap<string, Template>;
  readonly fallbacks: LocaleFallbacks;
  /** The agency's name in the locale, else along the chain, else its id. */
  agencyName(agency: string, locale: string): string;
};

async function readFiles(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const file of await readdir(folder)) files[file] = await readFile(join(folder, file), 'utf8');
  return files;
}

/** Reads every template under a folder. Throws `template-invalid` with the faults of all of them at once. */
export async function loadTemplates(
  folder: string = join(import.meta.dirname, 'catalogue'),
): Promise<TemplateCatalogue> {
  const templates = new Map<string, Template>();
  const faults: Fault[] = [];
  let agencies: Record<string, Record<string, string>> = {};
  let fallbacks = NO_FALLBACKS;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name === 'agencies.json')
      agencies = JSON.parse(await readFile(join(folder, entry.name), 'utf8'));
    if (entry.name === 'locales.json')
      fallbacks = readLocaleFallbacks(JSON.parse(await readFile(join(folder, entry.name), 'utf8')));
    if (!entry.isDirectory()) continue;
    try {
      templates.set(entry.name, parseTemplate(entry.name, await readFiles(join(folder, entry.name))));
    } catch (error) {
      if (!(error instanceof AllimError)) throw error;
      faults.push(...error.faults);
    }
  }
  if (faults.length > 0)
    throw new AllimError('template-invalid', faults.map((f) => `${f.pointer}: ${f.message}`).join('\n'), {
      faults,
    });
  return {
    templates,
    fallbacks,
    agencyName(agency, locale) {
      return inLocale(agencies[agency], locale, fallbacks) ?? agency;
    },
  };
}
