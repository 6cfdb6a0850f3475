/**
 * The sinks as a process of their own:
 *   node test/sinks/main.ts --smtp PORT --push PORT --smsc PORT --gateway PORT --log FILE [--push-origin URL] [--clock-shift MS]
 * One JSON line per accepted delivery goes to FILE; the ports (0: any) stand in one JSON line on standard output once all listen.
 * A line on standard input, `{"sink":"smtp","plan":{"kind":"hang","times":3}}`, makes a sink fail; `"plan":null` lifts it. So does `"receipts"`
 * for what it says later of what it accepts.
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { startGatewaySink } from './gateway.ts';
import { startPushSink } from './push.ts';
import type { FailurePlan, ReceiptPlan, Sink } from './sink.ts';
import { startSmscSink } from './smsc.ts';
import { startSmtpSink } from './smtp.ts';

const { values } = parseArgs({
  options: {
    smtp: { type: 'string' },
    push: { type: 'string' },
    smsc: { type: 'string' },
    gateway: { type: 'string' },
    log: { type: 'string' },
    'push-origin': { type: 'string' },
    'clock-shift': { type: 'string', default: '0' },
  },
});
const starters = { smtp: startSmtpSink, push: startPushSink, smsc: startSmscSink, gateway: startGatewaySink };
const sinks = new Map<string, Sink>();
for (const [name, start] of Object.entries(starters)) {
  const port = values[name as keyof typeof starters];
  if (port === undefined) continue;
  const origin = name === 'push' ? values['push-origin'] : undefined;
  sinks.set(
    name,
    await start({
      port: Number(port),
      forget: true,
      clockShiftMs: Number(values['clock-shift']),
      ...(values.log ? { log: values.log } : {}),
      ...(origin === undefined ? {} : { origin }),
    }),
  );
}
const urls = Object.fromEntries([...sinks].map(([name, sink]) => [name, { url: sink.url, port: sink.port }]));
process.stdout.write(`${JSON.stringify(urls)}\n`);

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  for (const [name, sink] of sinks) {
    for (const violation of sink.violations) process.stderr.write(`${name}: ${violation}\n`);
    await sink.stop();
  }
  process.exit(0);
}
process.on('SIGTERM', () => void stop());
process.on('SIGINT', () => void stop());

for await (const line of createInterface({ input: process.stdin })) {
  try {
    const { sink, plan, receipts } = JSON.parse(line) as {
      sink: string;
      plan?: FailurePlan | null;
      receipts?: ReceiptPlan | null;
    };
    if (plan !== undefined) sinks.get(sink)?.fail(plan);
    if (receipts !== undefined) sinks.get(sink)?.receipts(receipts);
  } catch {
    process.stderr.write(`not a command: ${line}\n`);
  }
}
