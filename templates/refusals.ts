/**
 * Why a text of a template is refused: from code to a sentence in each language of the screen, for whoever writes it. `message` of a fault is
 * the English one.
 */
import type { Fault } from '../domain/errors.ts';

export type Sentences = NonNullable<Fault['sentences']>;

const say = (ko: string, en: string, vi: string): Sentences => ({ ko, en, vi });
const HEADINGS_KO: Readonly<Record<string, string>> = { push: '푸시', email: '메일' };

const REFUSALS = {
  'meta-unreadable': (detail: string) =>
    say(`JSON이 아닙니다. ${detail}`, detail, `Không phải JSON. ${detail}`),
  'meta-missing': () => say('빠졌습니다.', 'is missing', 'còn thiếu'),
  'meta-title': () =>
    say(
      '“title”에 언어마다 제목을 적으세요.',
      'wants “title” with a text for each locale',
      'cần “title” với tiêu đề cho mỗi ngôn ngữ',
    ),
  'meta-sensitive': () =>
    say(
      '“sensitive”는 true 또는 false입니다.',
      '“sensitive” is true or false',
      '“sensitive” là true hoặc false',
    ),
  'file-name': (shape: string) =>
    say(`파일 이름은 ${shape} 꼴입니다.`, `is not ${shape}`, `tên tệp phải có dạng ${shape}`),
  'no-text': () => say('문구가 없습니다.', 'has no text', 'chưa có văn bản nào'),
  empty: () => say('비어 있습니다.', 'is empty', 'đang trống'),
  heading: (channel: string, heading: string) =>
    say(
      `${HEADINGS_KO[channel] ?? channel}는 첫 줄이 “${heading}: …”이고 그 아래에 본문이 있어야 합니다.`,
      `a ${channel} begins with “${heading}: …” on its first line and has a text below it`,
      `${channel} bắt đầu bằng “${heading}: …” ở dòng đầu và có nội dung bên dưới`,
    ),
  sensitive: (channel: string, name: string) =>
    say(
      `민감한 안내의 ${channel === 'push' ? '푸시' : '문자'}에는 “${name}” 값을 보일 수 없습니다.`,
      `a sensitive ${channel} must not show “${name}”`,
      `${channel} nhạy cảm không được hiện “${name}”`,
    ),
  'too-large': (bytes: number) =>
    say(`${bytes}바이트보다 깁니다.`, `is longer than ${bytes} bytes`, `dài hơn ${bytes} byte`),
  'too-many-blocks': (blocks: number) =>
    say(
      `{{#…}} 묶음이 ${blocks}개보다 많습니다.`,
      `has more than ${blocks} blocks`,
      `có hơn ${blocks} khối {{#…}}`,
    ),
  syntax: (detail: string) =>
    say(
      '중괄호 안을 읽을 수 없습니다. {{ 와 }}, {{#if …}} 와 {{/if}}가 짝이 맞는지 보세요.',
      `cannot be read: see that {{ and }}, {{#if …}} and {{/if}} come in pairs (${detail})`,
      'không đọc được: hãy xem {{ và }}, {{#if …}} và {{/if}} có đủ cặp không',
    ),
  'not-a-value': () =>
    say(
      '이 자리에는 값 이름이나 글자만 쓸 수 있습니다.',
      'only variables and literals can be given to a helper',
      'ở đây chỉ dùng được tên giá trị hoặc chữ',
    ),
  'not-a-variable': (name: string) =>
    say(
      `“${name}”은(는) 값 이름이 아닙니다. 이름을 다 적으세요.`,
      `“${name}” is not a variable: write its full name`,
      `“${name}” không phải là giá trị: hãy viết tên đầy đủ`,
    ),
  'named-arguments': (name: string) =>
    say(
      `“${name}”에는 이름 붙은 값을 줄 수 없습니다.`,
      `“${name}” takes no named arguments`,
      `“${name}” không nhận giá trị có tên`,
    ),
  'unknown-word': (name: string, known: string) =>
    say(
      `“${name}”은(는) 없습니다. 쓸 수 있는 것은 ${known}입니다.`,
      `there is no “${name}”; known are ${known}`,
      `không có “${name}”; có thể dùng ${known}`,
    ),
  arity: (name: string, wanted: number, given: number) =>
    say(
      `“${name}”에는 값을 ${wanted}개 줍니다. 지금은 ${given}개입니다.`,
      `“${name}” takes ${wanted} value(s), not ${given}`,
      `“${name}” nhận ${wanted} giá trị, không phải ${given}`,
    ),
  'raw-output': () =>
    say(
      '{{{ }}}와 {{& }}는 쓸 수 없습니다. {{ }}로 쓰세요.',
      'raw output ({{{ }}} or {{& }}) is not allowed',
      'không dùng được {{{ }}} hay {{& }}; hãy dùng {{ }}',
    ),
  'block-parameters': () =>
    say(
      '{{#… as |…|}}는 쓸 수 없습니다.',
      'block parameters are not allowed',
      'không dùng được {{#… as |…|}}',
    ),
  'not-allowed': (what: string) =>
    say(
      '다른 문구를 끼워 넣는 표시는 쓸 수 없습니다.',
      `${what} is not allowed (no partials, no decorators)`,
      'không được chèn văn bản khác vào đây',
    ),
  'no-deadline': () => say('규칙에 마감이 없습니다.', 'the rule has no deadline', 'quy tắc không có hạn'),
  'no-action': (part: string) =>
    say(
      part === 'url' ? '규칙에 누르면 가는 곳이 없습니다.' : '규칙에 전화가 없습니다.',
      `the rule's action has no ${part}`,
      part === 'url' ? 'quy tắc không có địa chỉ để mở' : 'quy tắc không có số điện thoại',
    ),
  'citizen-field': (agency: string) =>
    say(
      '없는 항목이거나 우리 기관이 쓸 수 없는 항목입니다.',
      `agency ${agency} may not use this field, or it does not exist`,
      'mục này không có hoặc cơ quan không được dùng',
    ),
  'citizen-unknown': () =>
    say(
      '모르는 사람도 있는 항목입니다. {{#if …}} 안에 넣으세요.',
      'a field of a citizen may be unknown: put it into {{#if …}}',
      'có người không rõ mục này: hãy đặt trong {{#if …}}',
    ),
  'old-elsewhere': () =>
    say(
      '앞서 알린 내용은 정정할 때 쓰는 문구에서만 쓸 수 있습니다.',
      'only a template used as “corrected” knows what was said before',
      'chỉ văn bản đính chính mới biết nội dung đã báo trước đó',
    ),
  'event-property': (type: string) =>
    say(
      '이 이벤트에는 그런 값이 없습니다.',
      `events of type ${type} have no such property`,
      'sự kiện này không có giá trị đó',
    ),
  'event-optional': () =>
    say(
      '없을 수도 있는 값입니다. {{#if …}} 안에 넣으세요.',
      'this property is optional: put it into {{#if …}}',
      'giá trị này có thể thiếu: hãy đặt trong {{#if …}}',
    ),
  'no-variable': () =>
    say(
      '그런 값은 없습니다. 쓸 수 있는 것은 citizen.*, event.*, deadline, action.url, action.tel, agency, code, old.*입니다.',
      'there is no such variable; there are citizen.*, event.*, deadline, action.url, action.tel, agency, code, old.*',
      'không có giá trị đó; có citizen.*, event.*, deadline, action.url, action.tel, agency, code, old.*',
    ),
  unrenderable: (detail: string) =>
    say(`예시 이벤트로 쓸 수 없습니다. ${detail}`, detail, `không viết được với sự kiện mẫu. ${detail}`),
  'too-long': (size: number, limit: number) =>
    say(
      `가장 길 때 ${size}입니다. ${limit}까지 줄이세요.`,
      `is ${size} long with the longest example; at most ${limit}`,
      `dài nhất là ${size}; nhiều nhất ${limit}`,
    ),
  unsendable: (characters: string) =>
    say(
      `문자로 보낼 수 없는 글자가 있습니다: ${characters}`,
      `a text message cannot hold ${characters}`,
      `tin nhắn không chứa được ${characters}`,
    ),
  'no-template': (name: string, rule: string) =>
    say(
      `“${name}” 문구가 아직 없습니다.`,
      `there is no template “${name}”, which rule ${rule} names`,
      `chưa có văn bản “${name}”`,
    ),
  'text-missing': (rule: string) =>
    say('문구가 빠졌습니다.', `is missing; rule ${rule} needs it`, 'còn thiếu văn bản này'),
} as const satisfies Record<string, (...about: never[]) => Sentences>;

type Code = keyof typeof REFUSALS;
export type Refused = { readonly code: string; readonly sentences: Sentences };

export function refused<C extends Code>(code: C, ...about: Parameters<(typeof REFUSALS)[C]>): Refused {
  const speak = REFUSALS[code] as (...given: readonly unknown[]) => Sentences;
  return { code: `template-${code}`, sentences: speak(...about) };
}

/** Of one place in a file: with its line where that is known, and with the name that it is about. */
export function faultAt(
  pointer: string,
  { code, sentences }: Refused,
  { line, name }: { readonly line?: number; readonly name?: string } = {},
): Fault {
  const about = name === undefined ? '' : `${name}: `;
  const said = (at: string, sentence: string): string => `${line === undefined ? '' : at}${about}${sentence}`;
  const { ko, en, vi } = sentences;
  const whole = {
    ko: said(`${line}번째 줄: `, ko),
    en: said(`line ${line}: `, en),
    vi: said(`dòng ${line}: `, vi),
  };
  return { pointer, code, message: whole.en, sentences: whole };
}
