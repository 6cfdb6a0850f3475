/** The second half: a BullMQ worker with its defaults (one job at a time, locks of 30 s, looks for stalled jobs every 30 s) mails each notice. */
import { Worker } from 'bullmq';
import { createTransport } from 'nodemailer';

export type Notice = { readonly to: string; readonly text: string };

const { SMTP_URL = '', REDIS_PORT = '' } = process.env;
const mail = createTransport(SMTP_URL);

const worker = new Worker<Notice>(
  'notices',
  async ({ data: { to, text } }) => {
    await mail.sendMail({ from: 'notices@example.kr', to, subject: '알림', text });
  },
  { connection: { host: '127.0.0.1', port: Number(REDIS_PORT) } },
);
worker.on('error', (error) => process.stderr.write(`worker: ${error.message}\n`));
worker.on('failed', (job, error) => process.stderr.write(`job ${job?.id} failed: ${error.message}\n`));
process.stdout.write('ready\n');
