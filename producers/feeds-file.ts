/** The file of feeds that ALLIM_FEEDS names: `{ "feeds": [ … ] }`. It holds credentials, so nothing of it is ever logged but names. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { AllimError, type Fault } from '../domain/errors.ts';
import { faultsOf } from '../domain/event-types.ts';

export type Feed = {
  readonly name: string;
  readonly agency: string;
  /** The sources whose events it may bring. */
  readonly sources: readonly string[];
  readonly url: string;
  readonly everySeconds: number;
  /** Of every request, for example authorization. */
  readonly headers: Readonly<Record<string, string>>;
  /** It lies in the operator's own network: http and private addresses are called. */
  readonly allowPrivate: boolean;
};

const FILE = {
  type: 'object',
  required: ['feeds'],
  additionalProperties: false,
  properties: {
    feeds: {
      type: 'array',
      maxItems: 100,
      items: {
        type: 'object',
        required: ['name', 'agency', 'sources', 'url'],
        additionalProperties: false,
        properties: {
          name: { type: 'string', pattern: '^[a-z][a-z0-9-]{0,39}$' },
          agency: { type: 'string', pattern: '^[a-z][a-z0-9-]{0,31}$' },
          sources: { type: 'array', minItems: 1, items: { type: 'string', minLength: 1, maxLength: 256 } },
          url: { type: 'string', maxLength: 2_048 },
          everySeconds: { type: 'integer', minimum: 5, maximum: 86_400 },
          headers: {
            type: 'object',
            propertyNames: { pattern: '^[A-Za-z0-9-]{1,64}$' },
            additionalProperties: { type: 'string', pattern: '^[\\t\\x20-\\x7e]{0,4096}$' },
          },
          allowPrivate: { type: 'boolean' },
        },
      },
    },
  },
} as const;
const check = new Ajv2020({ allErrors: true, strictTypes: false }).compile<{
  feeds: (Partial<Feed> & Feed)[];
}>(FILE);

/** Throws `config-invalid` with pointers into the file. */
export function readFeeds(text: string): Feed[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw invalid([{ pointer: '', message: 'is not JSON' }]);
  }
  if (!check(json)) throw invalid(faultsOf(check.errors));
  const faults: Fault[] = [];
  const names = new Set<string>();
  for (const [index, { name, url, allowPrivate }] of json.feeds.entries()) {
    const parsed = URL.parse(url);
    if (
      parsed === null ||
      !['http:', 'https:'].includes(parsed.protocol) ||
      parsed.username !== '' ||
      parsed.password !== ''
    )
      faults.push({
        pointer: `/feeds/${index}/url`,
        message: 'must be an https:// address without a password in it',
      });
    else if (parsed.protocol === 'http:' && allowPrivate !== true)
      faults.push({
        pointer: `/feeds/${index}/url`,
        message: 'must be https:// unless allowPrivate says that it is inside',
      });
    if (names.has(name))
      faults.push({ pointer: `/feeds/${index}/name`, message: 'stands at another feed as well' });
    names.add(name);
  }
  if (faults.length > 0) throw invalid(faults);
  return json.feeds.map((feed) => ({
    ...feed,
    everySeconds: feed.everySeconds ?? 60,
    headers: feed.headers ?? {},
    allowPrivate: feed.allowPrivate ?? false,
  }));
}

function invalid(faults: readonly Fault[]): AllimError {
  return new AllimError(
    'config-invalid',
    `the file of feeds: ${faults.map((f) => `${f.pointer} ${f.message}`).join('; ')}`,
    { faults },
  );
}
