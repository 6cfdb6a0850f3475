/**
 * A push service on loopback. It checks the VAPID token (RFC 8292) and decrypts aes128gcm (RFC 8188, 8291) by itself with node:crypto, from
 * the private key of the browser it plays. `subscribe()` makes such a browser; `subscriptionFor(name)` always the same one for a name, so that
 * another process can make the same subscriptions.
 */
import { createDecipheriv, createECDH, createHash, createPublicKey, hkdfSync, verify } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Book,
  type FailurePlan,
  type ReceiptPlan,
  retryAfterOf,
  type Sink,
  type SinkOptions,
} from './sink.ts';
import { tell } from './tell.ts';

export type Subscription = { endpoint: string; keys: { p256dh: string; auth: string } };
export type PushSink = Sink & { subscriptionFor(name: string): Subscription };

/** One key pair for all browsers of the sink: the names differ, and so do their secrets. */
const BROWSER = createECDH('prime256v1');
BROWSER.setPrivateKey(createHash('sha256').update('browser of the push sink').digest());
const BROWSER_PUBLIC = BROWSER.getPublicKey();

function authOf(name: string): Buffer {
  return createHash('sha256').update(`auth ${name}`).digest().subarray(0, 16);
}

/** The subscription of a browser at a sink; pure, so any process can make it from the sink's URL. */
export function subscriptionAt(url: string, name: string): Subscription {
  return {
    endpoint: `${url}/push/${encodeURIComponent(name)}`,
    keys: { p256dh: BROWSER_PUBLIC.toString('base64url'), auth: authOf(name).toString('base64url') },
  };
}

const verified = new Map<string, number>();

/** Throws what is wrong with the Authorization header; tokens already seen are remembered until they expire. */
function checkVapid(header: string | undefined, audience: string): void {
  const parts = /^vapid t=([\w-]+)\.([\w-]+)\.([\w-]+), ?k=([\w-]+)$/.exec(header ?? '');
  if (!parts) throw new Error('no VAPID token');
  const now = Date.now() / 1_000;
  const known = verified.get(`${audience} ${header}`);
  if (known !== undefined) {
    if (known < now) throw new Error('the VAPID token has expired');
    return;
  }
  const [, head, claims, signature, key] = parts as unknown as [string, string, string, string, string];
  const { alg } = JSON.parse(Buffer.from(head, 'base64url').toString()) as { alg: string };
  if (alg !== 'ES256') throw new Error(`VAPID alg ${alg}`);
  const point = Buffer.from(key, 'base64url');
  if (point.length !== 65 || point[0] !== 4) throw new Error('VAPID key is no uncompressed point');
  const x = point.subarray(1, 33).toString('base64url');
  const y = point.subarray(33).toString('base64url');
  const publicKey = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
  const signed = Buffer.from(`${head}.${claims}`);
  const raw = Buffer.from(signature, 'base64url');
  if (!verify('sha256', signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, raw))
    throw new Error('the VAPID signature is wrong');
  const { aud, exp, sub } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<
    string,
    unknown
  >;
  if (aud !== audience) throw new Error(`VAPID aud ${aud}, not ${audience}`);
  if (typeof exp !== 'number' || exp < now || exp > now + 86_400)
    throw new Error('VAPID exp is past or over 24 h away');
  if (typeof sub !== 'string' || !/^(mailto:|https:)/.test(sub)) throw new Error('VAPID sub is no contact');
  if (verified.size > 100) verified.clear();
  verified.set(`${audience} ${header}`, exp);
}

/** Decrypts a single-record aes128gcm body: salt(16) rs(4) idlen(1) keyid(65), then AES-128-GCM of plaintext and delimiter 0x02. */
function open(body: Buffer, auth: Buffer): string {
  const salt = body.subarray(0, 16);
  const size = body.readUInt32BE(16);
  const idLength = body[20]!;
  const senderKey = body.subarray(21, 21 + idLength);
  const record = body.subarray(21 + idLength);
  if (idLength !== 65 || record.length > size) throw new Error('not one aes128gcm record with a P-256 key');
  const shared = BROWSER.computeSecret(senderKey);
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), BROWSER_PUBLIC, senderKey]);
  const secret = Buffer.from(hkdfSync('sha256', shared, auth, info, 32));
  const key = Buffer.from(hkdfSync('sha256', secret, salt, 'Content-Encoding: aes128gcm\0', 16));
  const nonce = Buffer.from(hkdfSync('sha256', secret, salt, 'Content-Encoding: nonce\0', 12));
  const decipher = createDecipheriv('aes-128-gcm', key, nonce);
  decipher.setAuthTag(record.subarray(-16));
  const padded = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
  let end = padded.length - 1;
  while (end >= 0 && padded[end] === 0) end--;
  if (padded[end] !== 2) throw new Error('the last record does not end in 0x02');
  return padded.subarray(0, end).toString('utf8');
}

/** What a service worker does when it has shown a notice. */
async function reportShown(plan: ReceiptPlan, text: string): Promise<void> {
  const { id, receipt = '' } = JSON.parse(text) as { id: string; receipt?: string };
  const post = async (body: unknown, expected: number) => {
    const status = await tell(`${plan.to}/receipts/push`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (status !== expected) throw new Error(`a report of a shown notice was answered ${status}`);
  };
  if (plan.lies === 'forged') await post({ id, receipt: `1.${'A'.repeat(22)}` }, 401);
  if (plan.lies === 'foreign') await post({ id: Buffer.alloc(16, 7).toString('base64url'), receipt }, 401);
  const times = plan.when === 'twice' || plan.lies === 'replayed' ? 4 : 1;
  for (let n = 0; n < times; n++) await post({ id, receipt }, 204);
}

const REFUSALS = { refuse: 503, permanent: 410, technical: 403, throttle: 429, broken: 500 } as const;

export async function startPushSink(options: SinkOptions = {}): Promise<PushSink> {
  const book = new Book(options);
  let url = '';
  let count = 0;

  function finish(
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
    plan: FailurePlan | null,
  ): void {
    const address = decodeURIComponent((request.url ?? '').replace(/^\/push\//, ''));
    let text: string;
    try {
      checkVapid(request.headers.authorization, url);
      if (request.headers['content-encoding'] !== 'aes128gcm') throw new Error('not aes128gcm');
      if (!/^\d+$/.test(String(request.headers['ttl']))) throw new Error('no TTL');
      if (body.length > 4_096) throw new Error(`a body of ${body.length} octets`);
      text = open(body, authOf(address));
    } catch (error) {
      book.violation(error instanceof Error ? error.message : String(error));
      response.writeHead(400).end();
      return;
    }
    const delivery = typeof request.headers['topic'] === 'string' ? request.headers['topic'] : null;
    const headers = {
      ttl: String(request.headers['ttl']),
      urgency: String(request.headers['urgency'] ?? ''),
    };
    book.accept({ channel: 'push', address, delivery, headers, text });
    const later = book.receipt();
    const location = `${url}/message/${++count}`;
    const answer = () => response.writeHead(201, { location }).end();
    const report = () => reportShown(later!, text).catch((error: Error) => book.violation(error.message));
    if (later?.when === 'late') book.later(later.lateMs ?? 0, report);
    else if (later !== null && later.when !== 'before') book.later(0, report);
    if (plan?.kind === 'cut') request.socket.destroy();
    else if (plan?.kind === 'twice') {
      const whole = `HTTP/1.1 201 Created\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;
      request.socket.write(whole);
      setTimeout(() => request.socket.write(whole, () => {}), plan.ms ?? 0);
    } else if (plan?.kind === 'slow') setTimeout(answer, plan.ms);
    else if (later?.when === 'before') void report().finally(answer);
    else answer();
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const plan = book.next(decodeURIComponent((request.url ?? '').replace(/^\/push\//, '')));
      if (plan?.kind === 'hang') return;
      if (plan && Object.hasOwn(REFUSALS, plan.kind)) {
        response.writeHead(REFUSALS[plan.kind as keyof typeof REFUSALS], retryAfterOf(plan)).end();
        return;
      }
      finish(request, response, Buffer.concat(chunks), plan);
    });
  });
  server.on('connection', (socket) => socket.on('error', () => {}));
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((done) => server.listen(options.port ?? 0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  url = options.origin ?? `http://127.0.0.1:${port}`;

  return {
    url,
    port,
    received: book.received,
    violations: book.violations,
    fail: (plan) => book.fail(plan),
    receipts: (plan) => {
      book.plan = plan;
    },
    subscriptionFor: (name) => subscriptionAt(url, name),
    async stop() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await book.close();
    },
  };
}
