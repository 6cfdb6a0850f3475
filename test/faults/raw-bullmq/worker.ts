/** The second half: a BullMQ worker with its defaults (one job at a time, locks of 30 s, looks for stalled jobs every 30 s) sends each notice. */
import { Worker } from 'bullmq';
import { createTransport } from 'nodemailer';
import smpp from 'smpp';
import webPush from 'web-push';

type Subscription = {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
};
export type Notice = {
  readonly to: { readonly push: Subscription } | { readonly email: string } | { readonly sms: string };
  readonly text: string;
};

const env = (name: string): string => process.env[name] ?? '';
const mail = createTransport(env('SMTP_URL'));
const vapidDetails = {
  subject: env('VAPID_SUBJECT'),
  publicKey: env('VAPID_PUBLIC_KEY'),
  privateKey: env('VAPID_PRIVATE_KEY'),
};
const { username, password, hostname, port } = new URL(env('SMS_URL'));
const session = smpp.connect({ host: hostname, port: Number(port) });
session.on('error', (error: Error) => process.stderr.write(`smpp: ${error.message}\n`));
await new Promise<void>((resolve) => {
  const login = { system_id: username, password };
  session.on('connect', () => session.send(new smpp.PDU('bind_transceiver', login), () => resolve()));
});

function submit(number: string, text: string): Promise<void> {
  const options = {
    source_addr: env('SMS_FROM'),
    destination_addr: number.slice(1),
    data_coding: 8,
    short_message: text,
  };
  return new Promise((resolve, reject) => {
    session.send(new smpp.PDU('submit_sm', options), ({ command_status }) =>
      command_status === 0 ? resolve() : reject(new Error(`submit_sm: ${command_status}`)),
    );
  });
}

const worker = new Worker<Notice>(
  'notices',
  async ({ data: { to, text } }) => {
    if ('push' in to) await webPush.sendNotification(to.push, text, { vapidDetails });
    else if ('email' in to)
      await mail.sendMail({ from: 'notices@example.kr', to: to.email, subject: '알림', text });
    else await submit(to.sms, text);
  },
  { connection: { host: '127.0.0.1', port: Number(env('REDIS_PORT')) } },
);
worker.on('error', (error) => process.stderr.write(`worker: ${error.message}\n`));
worker.on('failed', (job, error) => process.stderr.write(`job ${job?.id} failed: ${error.message}\n`));
process.stdout.write('ready\n');
