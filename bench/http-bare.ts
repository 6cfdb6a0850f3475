/**
 * The baseline of `http_vs_bare`: the same calls as our adapter makes, in a bare loop of undici, so many at a time; nothing is rendered,
 * opened, claimed or written down. `node bench/http-bare.ts PORT CONCURRENCY`.
 */
import { randomUUID } from 'node:crypto';
import { Pool } from 'undici';

const [port = '', concurrency = ''] = process.argv.slice(2);
const pool = new Pool(`http://127.0.0.1:${port}`, { connections: Number(concurrency), pipelining: 1 });
const TEXT =
  '[국민건강보험공단] 2026년 일반건강검진 대상자입니다. 12월 31일까지 받으실 수 있습니다. 확인번호 K7Q2-93';

async function call(): Promise<void> {
  const reference = randomUUID();
  const { statusCode, body } = await pool.request({
    method: 'POST',
    path: '/',
    headers: { accept: 'application/json', 'content-type': 'application/json', 'idempotency-key': reference },
    body: JSON.stringify({
      reference,
      to: '+821000000000',
      from: '15771000',
      text: TEXT,
      urgent: false,
      expiresAt: null,
    }),
  });
  const answer = (await body.json()) as { reference?: string };
  if (statusCode !== 201 || answer.reference !== reference)
    throw new Error(`the sink answered ${statusCode}`);
}

process.on('message', async (message: { do: string; count: number }) => {
  if (message.do === 'exit') {
    await pool.close();
    process.exit(0);
  }
  let left = message.count;
  await Promise.all(
    Array.from({ length: Number(concurrency) }, async () => {
      while (left-- > 0) await call();
    }),
  );
  process.send?.({ done: 'call' });
});
process.on('disconnect', () => process.exit(1));
process.send?.({ done: 'ready' });
