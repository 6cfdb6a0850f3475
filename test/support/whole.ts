/**
 * The whole product in one process, as an installation runs it: every role, its queue and its log on a database of the file's own, real
 * providers that call the sinks of test/sinks on loopback, people who sign in at the bundled provider. A test says things to it over HTTP
 * alone, and reads what left in the sinks.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import webPush from 'web-push';
import { loadConfig } from '../../app/config.ts';
import { type Context, createContext } from '../../app/context.ts';
import { bundledKeys } from '../../app/identity.ts';
import { ROLES } from '../../app/roles.ts';
import { startRoles } from '../../app/start-roles.ts';
import { silentLogger } from '../../domain/logger.ts';
import { freePorts } from '../../scripts/services/process.ts';
import { type PushSink, startPushSink } from '../sinks/push.ts';
import type { Sink } from '../sinks/sink.ts';
import { type SmscSink, startSmscSink } from '../sinks/smsc.ts';
import { startSmtpSink } from '../sinks/smtp.ts';
import { buildWebOnce } from './built-web.ts';
import { createDatabase } from './postgres.ts';

export type Whole = {
  readonly url: string;
  readonly context: Context;
  readonly sinks: { readonly push: PushSink; readonly mail: Sink; readonly sms: SmscSink };
  /** Of every account of the bundled provider. */
  readonly password: string;
  /** With the administrator's token; throws where the answer is not good. */
  send(method: string, where: string, body: object): Promise<unknown>;
  stop(): Promise<void>;
};

export async function startWhole(): Promise<Whole> {
  buildWebOnce();
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const one of stops.splice(0).toReversed()) await one();
  };
  try {
    const database = await createDatabase({ seeded: true });
    stops.push(() => database.drop());
    const dataDir = await mkdtemp(path.join(tmpdir(), 'allim-whole-'));
    stops.push(() => rm(dataDir, { recursive: true, force: true }));
    const [push, mail, sms] = await Promise.all([startPushSink(), startSmtpSink(), startSmscSink()]);
    stops.push(() => Promise.all([push.stop(), mail.stop(), sms.stop()]));
    const vapid = webPush.generateVAPIDKeys();
    // Mails name the address, so it has to be known before anything listens.
    const [port] = (await freePorts(1)) as [number];
    const config = loadConfig({
      DATABASE_URL: database.url,
      ALLIM_DATA: dataDir,
      ALLIM_PARTITIONS: '2',
      ALLIM_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('hex'),
      PORT: String(port),
      PUBLIC_URL: `http://127.0.0.1:${port}`,
      SMTP_URL: mail.url,
      SMTP_FROM: 'notice@allim.example',
      SMS_URL: sms.url,
      SMS_FROM: '15771000',
      VAPID_SUBJECT: 'mailto:push@allim.example',
      VAPID_PUBLIC_KEY: vapid.publicKey,
      VAPID_PRIVATE_KEY: vapid.privateKey,
      ALLIM_PUSH_LOOPBACK: 'true',
    });
    const context = await createContext(config, { logger: silentLogger });
    stops.push(() => context.stop());
    const running = await startRoles(context, ROLES);
    stops.push(() => running.stop());
    const url = running.url!;
    const { password } = await bundledKeys(context);
    return {
      url,
      context,
      sinks: { push, mail, sms },
      password,
      async send(method, where, body) {
        const answer = await fetch(`${url}/api/v1/${where}`, {
          method,
          headers: {
            authorization: `Bearer ${context.secrets.adminToken}`,
            'content-type': where === 'events' ? 'application/cloudevents+json' : 'application/json',
          },
          body: JSON.stringify(body),
        });
        const text = await answer.text();
        if (!answer.ok) throw new Error(`${method} ${where} was answered ${answer.status}: ${text}`);
        return text === '' ? null : JSON.parse(text);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
