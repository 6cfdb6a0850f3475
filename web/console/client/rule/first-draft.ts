/** A first wording of every text that is missing, of what the rule says already; whoever writes rules makes it theirs. */
import type { Draft } from './model.ts';
import type { Files } from './use-texts.ts';

type Channel = Draft['channels'][number];
type Reach = Draft['reach'];

export const fileOf = (locale: string, channel: Channel, reach: Reach): string =>
  `${locale}.${channel}${reach === 'possible' ? '.possible' : ''}.hbs`;

const KOREAN = {
  push: (name: string, until: boolean, possible: boolean) =>
    `title: ${name}${until ? ', {{date deadline}}까지' : ''}\n${
      possible ? '해당할 수 있습니다. 열어서 확인하세요.' : '확인할 것이 있습니다. 열어서 보세요.'
    }`,
  sms: (name: string, until: boolean, possible: boolean, tel: boolean) =>
    `[{{agency}}] ${name}${possible ? ' 대상일 수 있습니다.' : ' 대상입니다.'}${until ? ' {{shortDate deadline}}까지.' : ''}${
      tel ? ' 문의 {{action.tel}}' : ''
    } 확인 {{code}}`,
  email: (name: string, until: boolean, possible: boolean, tel: boolean, url: boolean) =>
    [
      `subject: ${name}${until ? ', {{date deadline}}까지' : ''}`,
      '',
      possible ? `${name}에 해당할 수 있습니다. 확인해 보세요.` : `${name} 대상입니다.`,
      ...(until ? ['', '{{date deadline}}까지 하세요.'] : []),
      ...(url ? ['', '{{action.url}}'] : []),
      '',
      ...(tel ? ['문의: {{action.tel}}'] : []),
      '{{agency}}',
      '확인 번호: {{code}}',
    ].join('\n'),
};

const ENGLISH = {
  push: (name: string, until: boolean, possible: boolean) =>
    `title: ${name}${until ? ' by {{date deadline}}' : ''}\n${
      possible ? 'You may be eligible. Open to check.' : 'There is something for you to do. Open to read.'
    }`,
  sms: (name: string, until: boolean, possible: boolean, tel: boolean) =>
    `${possible ? 'You may be eligible: ' : ''}${name}${until ? ' by {{shortDate deadline}}' : ''}.${
      tel ? ' Tel {{action.tel}}' : ''
    } Code {{code}}`,
  email: (name: string, until: boolean, possible: boolean, tel: boolean, url: boolean) =>
    [
      `subject: ${name}${until ? ' by {{date deadline}}' : ''}`,
      '',
      possible ? `You may be eligible: ${name}. Please check.` : `This concerns you: ${name}.`,
      ...(until ? ['', 'Please act by {{date deadline}}.'] : []),
      ...(url ? ['', '{{action.url}}'] : []),
      '',
      ...(tel ? ['Questions: {{action.tel}}'] : []),
      '{{agency}}',
      'Code: {{code}}',
    ].join('\n'),
};

export function firstText(draft: Draft, locale: 'ko' | 'en', channel: Channel, reach: Reach): string {
  const words = locale === 'ko' ? KOREAN : ENGLISH;
  const name = (draft.title[locale] ?? draft.title['ko'] ?? '').replaceAll('{{', '').trim();
  const { tel = '', url = '' } = draft.action ?? {};
  return words[channel](name, draft.deadline !== undefined, reach === 'possible', tel !== '', url !== '');
}

/** What `files` lacks of one template, both languages, every channel and reach of the rule; with a title where there is none. */
export function missingTexts(draft: Draft, files: Files): Files {
  const reaches: readonly Reach[] = draft.reach === 'possible' ? ['certain', 'possible'] : ['certain'];
  const made: Record<string, string> = {};
  if (files['meta.json'] === undefined) made['meta.json'] = JSON.stringify({ title: draft.title });
  for (const locale of ['ko', 'en'] as const)
    for (const channel of draft.channels)
      for (const reach of reaches) {
        const file = fileOf(locale, channel, reach);
        if (files[file] === undefined) made[file] = firstText(draft, locale, channel, reach);
      }
  return made;
}
