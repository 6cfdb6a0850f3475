/** The sinks as a process of their own: what they accept stands in the log, and they fail when told. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import webPush from 'web-push';
import { createEmailProvider } from '../../workers/providers/email.ts';
import type { Content, Provider } from '../../workers/providers/provider.ts';
import { createPushProvider } from '../../workers/providers/push.ts';
import { createSmsProvider } from '../../workers/providers/sms-smpp.ts';
import { createDelivery, yes } from '../providers/builders.ts';
import { eventually } from '../support/eventually.ts';
import { subscriptionAt } from './push.ts';
import type { Received } from './sink.ts';

const folder = mkdtempSync(join(tmpdir(), 'allim-sinks-'));
const log = join(folder, 'accepted.ndjson');
const logged = () =>
  readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Received);
const CONTENTS: Record<string, Content> = {
  push: { channel: 'push', title: '제목', body: '본문' },
  smtp: { channel: 'email', subject: '제목', text: '본문', html: '<p>본문</p>' },
  smsc: { channel: 'sms', text: '본문' },
};

let child: ChildProcess;
const providers: Record<string, Provider> = {};
const addresses: Record<string, string> = { smtp: 'kim@example.kr', smsc: '+821012345678' };
beforeAll(async () => {
  const main = join(import.meta.dirname, 'main.ts');
  child = spawn(process.execPath, [main, '--smtp', '0', '--push', '0', '--smsc', '0', '--log', log], {
    env: {},
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  const { smtp, push, smsc } = JSON.parse(line.toString()) as Record<string, { url: string }>;
  const vapid = { subject: 'mailto:a@allim.example', ...webPush.generateVAPIDKeys() };
  addresses['push'] = JSON.stringify(subscriptionAt(push!.url, 'kim'));
  providers['push'] = createPushProvider({ vapid, allowLoopback: true });
  providers['smtp'] = createEmailProvider({
    url: smtp!.url,
    from: { name: 'Allim', address: 'a@allim.example' },
  });
  providers['smsc'] = createSmsProvider({ url: smsc!.url, source: '15771000' });
  for (const provider of Object.values(providers)) await provider.start();
});
afterAll(async () => {
  for (const provider of Object.values(providers)) await provider.stop();
  child.kill('SIGTERM');
  const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
  rmSync(folder, { recursive: true });
  expect(code).toBe(0);
});

const send = (name: string) => providers[name]!.send(createDelivery(addresses[name]!, CONTENTS[name]!), yes);

test('one line for each accepted delivery of every channel', async () => {
  const outcomes = await Promise.all(Object.keys(CONTENTS).map(send));
  expect(outcomes.map((outcome) => outcome.kind)).toEqual(['accepted', 'accepted', 'accepted']);
  await eventually(() =>
    expect(
      logged()
        .map((entry) => entry.channel)
        .sort(),
    ).toEqual(['email', 'push', 'sms']),
  );
  const email = logged().find((entry) => entry.channel === 'email');
  expect(email).toMatchObject({
    address: 'kim@example.kr',
    text: '본문',
    delivery: expect.stringMatching(/^<.+@allim\.example>$/),
  });
});

test('a line on standard input makes a sink fail, and nothing is logged for it', async () => {
  const before = logged().length;
  child.stdin!.write(`${JSON.stringify({ sink: 'smsc', plan: { kind: 'permanent' } })}\n`);
  await eventually(async () => (await send('smsc')).kind === 'permanent');
  const accepted = logged().length;
  expect((await send('smsc')).kind).toBe('permanent');
  expect(logged().length).toBe(accepted);
  expect(accepted).toBeGreaterThanOrEqual(before);
});
