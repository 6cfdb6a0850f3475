/**
 * An SMS gateway on loopback, by the protocol of docs/sending.md: `POST /` takes a text once a reference, `GET /{reference}` says what became
 * of it. It fails as the other sinks do, and may refuse to be asked.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Book, type Failure, type FailurePlan, retryAfterOf, type Sink, type SinkOptions } from './sink.ts';

const REFUSALS: Partial<Record<Failure, readonly [status: number, code: string]>> = {
  refuse: [503, 'carrier-unavailable'],
  permanent: [422, 'number-unknown'],
  technical: [422, 'sender-unknown'],
  throttle: [429, 'busy'],
  broken: [500, 'broken'],
};

export type GatewaySink = Sink & {
  /** References that came again and were dropped. */
  readonly repeated: string[];
  /** References that were asked for. */
  readonly asked: string[];
  /** The status that questions are answered with; null: as they should be. */
  failQuestions(status: number | null): void;
  /** A text that was taken is said to have failed, when asked. */
  lose(reference: string, code: string): void;
};

type Text = { readonly reference: string; readonly to: string; readonly from: string; readonly text: string };

export async function startGatewaySink(options: SinkOptions = {}): Promise<GatewaySink> {
  const book = new Book(options);
  const known = new Map<string, { readonly id: string; code: string | null }>();
  const repeated: string[] = [];
  const asked: string[] = [];
  let questions: number | null = null;
  const authorization = `Basic ${Buffer.from('allim:secret').toString('base64')}`;

  function say(response: ServerResponse, status: number, body: object, plan: FailurePlan | null): void {
    const headers = {
      'content-type': 'application/json',
      ...(plan === null ? {} : retryAfterOf(plan)),
    };
    response.writeHead(status, headers).end(JSON.stringify(body));
  }

  function take(request: IncomingMessage, response: ServerResponse, raw: Buffer): void {
    const text = JSON.parse(raw.toString('utf8')) as Text;
    const plan = book.next(text.to);
    if (plan?.kind === 'hang') return;
    const refusal = plan === null ? undefined : REFUSALS[plan.kind];
    if (refusal !== undefined) return void say(response, refusal[0], { code: refusal[1] }, plan);
    const { reference } = text;
    if (request.headers['idempotency-key'] !== reference) book.violation('the key is not the reference');
    if (typeof text.text !== 'string' || text.text === '') book.violation('an empty text');
    const before = known.get(reference);
    if (before !== undefined) repeated.push(reference);
    const mine = before ?? { id: `g-${known.size + 1}`, code: null };
    known.set(reference, mine);
    if (before === undefined)
      book.accept({
        channel: 'sms',
        address: text.to,
        delivery: reference,
        headers: { source: text.from },
        text: text.text,
      });
    if (plan?.kind === 'cut') return void request.socket.destroy();
    const body = JSON.stringify({ reference, id: mine.id });
    if (plan?.kind === 'twice') {
      const whole = `HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
      request.socket.write(whole);
      // The second comes when the connection is used again, as the answer of whoever asks next.
      setTimeout(() => request.socket.write(whole, () => {}), plan.ms ?? 0);
      return;
    }
    const status = before === undefined ? 201 : 200;
    const taken = () => say(response, status, { reference, id: mine.id }, null);
    if (plan?.kind === 'slow') setTimeout(taken, plan.ms);
    else taken();
  }

  function answer(response: ServerResponse, reference: string): void {
    asked.push(reference);
    if (questions !== null) return void say(response, questions, {}, null);
    const found = known.get(reference);
    if (found === undefined) return void say(response, 404, { reference, code: 'reference-unknown' }, null);
    const outcome = found.code === null ? { status: 'sent' } : { status: 'failed', code: found.code };
    say(response, 200, { reference, id: found.id, ...outcome }, null);
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.headers.authorization !== authorization)
        return void say(response, 401, { code: 'credentials-wrong' }, null);
      if (request.method === 'POST') take(request, response, Buffer.concat(chunks));
      else answer(response, decodeURIComponent((request.url ?? '').replace(/^.*\//, '')));
    });
  });
  server.on('connection', (socket) => socket.on('error', () => {}));
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((done) => server.listen(options.port ?? 0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://allim:secret@127.0.0.1:${port}/v1/messages`,
    port,
    received: book.received,
    violations: book.violations,
    repeated,
    asked,
    fail: (plan) => book.fail(plan),
    receipts(plan) {
      book.plan = plan;
    },
    failQuestions(status) {
      questions = status;
    },
    lose(reference, code) {
      const found = known.get(reference);
      if (found !== undefined) found.code = code;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await book.close();
    },
  };
}
