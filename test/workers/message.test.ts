/** Words that have grown too long for their channel fail their delivery and not the gateway. */
import { expect, test } from '@jest/globals';
import { needFit, PUSH_CONTENT_BYTES } from '../../workers/message.ts';

const tooLong = expect.objectContaining({ code: 'template-failed' });

test('an SMS has 2,000 bytes in EUC-KR', () => {
  needFit({ channel: 'sms', text: '가'.repeat(1_000) }, 'x');
  expect(() => needFit({ channel: 'sms', text: `${'가'.repeat(1_000)}!` }, 'x')).toThrow(tooLong);
});

test('a push has 2,500 bytes of JSON', () => {
  const empty = JSON.stringify({ channel: 'push', title: '', body: '' }).length;
  const push = (length: number) => ({ channel: 'push', title: '', body: 'x'.repeat(length) }) as const;
  needFit(push(PUSH_CONTENT_BYTES - empty), 'x');
  expect(() => needFit(push(PUSH_CONTENT_BYTES - empty + 1), 'x')).toThrow(tooLong);
});
