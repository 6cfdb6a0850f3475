/**
 * The far side of `http_vs_bare`: takes a text by the protocol of docs/sending.md and keeps nothing but a count. `node bench/http-sink.ts
 * PORT`.
 */
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { reference } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { reference: string };
    response
      .writeHead(201, { 'content-type': 'application/json' })
      .end(JSON.stringify({ reference, id: `g-${reference}` }));
  });
});
server.keepAliveTimeout = 60_000;
server.listen(Number(process.argv[2]), '127.0.0.1', () => process.send?.({ done: 'ready' }));
process.on('message', (message: { do: string }) => {
  if (message.do === 'exit') process.exit(0);
});
process.on('disconnect', () => process.exit(1));
