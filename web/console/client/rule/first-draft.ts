/** A first wording of every text that is missing, of what the rule says already; whoever writes rules makes it theirs. */
import type { Draft } from './model.ts';
import type { Files } from './use-texts.ts';

type Channel = Draft['channels'][number];
type Reach = Draft['reach'];

export const fileOf = (locale: string, channel: Channel, reach: Reach): string =>
  `${locale}.${channel}${reach === 'possible' ? '.possible' : ''}.hbs`;

type About = {
  readonly name: string;
  readonly until: boolean;
  readonly possible: boolean;
  /** What was told before is not so any more. */
  readonly corrected: boolean;
  readonly tel: boolean;
  readonly url: boolean;
};
type Wording = Readonly<Record<Channel, (about: About) => string>>;

const CHANGED = '{{#changed old.deadline deadline}}{{date old.deadline}} → {{date deadline}}. {{/changed}}';

const KOREAN: Wording = {
  push: ({ name, until, possible, corrected }) =>
    corrected
      ? `title: ${name} 안내가 바뀌었습니다\n${until ? CHANGED : ''}열어서 확인하세요.`
      : `title: ${name}${until ? ', {{date deadline}}까지' : ''}\n${
          possible ? '해당할 수 있습니다. 열어서 확인하세요.' : '확인할 것이 있습니다. 열어서 보세요.'
        }`,
  sms: ({ name, until, possible, corrected, tel }) =>
    `[{{agency}}] ${name}${corrected ? ' 변경.' : possible ? ' 대상일 수 있습니다.' : ' 대상입니다.'}${
      until ? ' {{shortDate deadline}}까지.' : ''
    }${tel ? ' 문의 {{action.tel}}' : ''} 확인 {{code}}`,
  email: ({ name, until, possible, corrected, tel, url }) =>
    [
      `subject: ${name}${corrected ? ' 안내가 바뀌었습니다' : until ? ', {{date deadline}}까지' : ''}`,
      '',
      corrected
        ? `앞서 알려 드린 ${name} 안내가 바뀌었습니다.`
        : possible
          ? `${name}에 해당할 수 있습니다. 확인해 보세요.`
          : `${name} 대상입니다.`,
      ...(corrected && until ? ['', CHANGED.trim()] : []),
      ...(until ? ['', '{{date deadline}}까지 하세요.'] : []),
      ...(url ? ['', '{{action.url}}'] : []),
      '',
      ...(tel ? ['문의: {{action.tel}}'] : []),
      '{{agency}}',
      '확인 번호: {{code}}',
    ].join('\n'),
};

const ENGLISH: Wording = {
  push: ({ name, until, possible, corrected }) =>
    corrected
      ? `title: Changed: ${name}\n${until ? CHANGED : ''}Open to read.`
      : `title: ${name}${until ? ' by {{date deadline}}' : ''}\n${
          possible ? 'You may be eligible. Open to check.' : 'There is something for you to do. Open to read.'
        }`,
  sms: ({ name, until, possible, corrected, tel }) =>
    `${corrected ? 'Changed: ' : possible ? 'You may be eligible: ' : ''}${name}${
      until ? ' by {{shortDate deadline}}' : ''
    }.${tel ? ' Tel {{action.tel}}' : ''} Code {{code}}`,
  email: ({ name, until, possible, corrected, tel, url }) =>
    [
      `subject: ${corrected ? 'Changed: ' : ''}${name}${until && !corrected ? ' by {{date deadline}}' : ''}`,
      '',
      corrected
        ? `What we told you before has changed: ${name}.`
        : possible
          ? `You may be eligible: ${name}. Please check.`
          : `This concerns you: ${name}.`,
      ...(corrected && until ? ['', CHANGED.trim()] : []),
      ...(until ? ['', 'Please act by {{date deadline}}.'] : []),
      ...(url ? ['', '{{action.url}}'] : []),
      '',
      ...(tel ? ['Questions: {{action.tel}}'] : []),
      '{{agency}}',
      'Code: {{code}}',
    ].join('\n'),
};

export function firstText(
  draft: Draft,
  template: string,
  locale: 'ko' | 'en',
  channel: Channel,
  reach: Reach,
): string {
  const words = locale === 'ko' ? KOREAN : ENGLISH;
  const { tel = '', url = '' } = draft.action ?? {};
  return words[channel]({
    name: (draft.title[locale] || draft.title['ko'] || '').replaceAll('{{', '').trim(),
    until: draft.deadline !== undefined,
    possible: reach === 'possible',
    corrected: draft.templates['corrected'] === template,
    tel: tel !== '',
    url: url !== '',
  });
}

/** What `files` lacks of one template, both languages, every channel and reach of the rule; with a title where there is none. */
export function missingTexts(draft: Draft, template: string, files: Files): Files {
  const reaches: readonly Reach[] = draft.reach === 'possible' ? ['certain', 'possible'] : ['certain'];
  const made: Record<string, string> = {};
  if (files['meta.json'] === undefined) made['meta.json'] = JSON.stringify({ title: draft.title });
  for (const locale of ['ko', 'en'] as const)
    for (const channel of draft.channels)
      for (const reach of reaches) {
        const file = fileOf(locale, channel, reach);
        if (files[file] === undefined) made[file] = firstText(draft, template, locale, channel, reach);
      }
  return made;
}
