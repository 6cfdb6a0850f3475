/** Providers that refuse and, as some do, repeat in their answer the very address that they refuse: nothing of it may be kept or logged. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveConnections } from '../../providers/scripted-server.ts';

export type RefusingProviders = {
  readonly smtpUrl: string;
  readonly smsUrl: string;
  readonly pushUrl: string;
  /** What came: the canary is worth nothing where nothing was sent. */
  readonly called: { readonly smtp: string[]; readonly sms: string[]; readonly push: string[] };
  stop(): Promise<void>;
};

function smtpAnswer(line: string, called: string[]): string | null {
  if (/^(?:EHLO|HELO)/i.test(line)) return '250-canary\r\n250 8BITMIME';
  const [, to] = /^RCPT TO:<([^>]*)>/i.exec(line) ?? [];
  if (to === undefined)
    return /^QUIT/i.test(line) ? '221 bye' : /^DATA/i.test(line) ? '354 go on' : '250 fine';
  called.push(to);
  if (to.includes('refused')) return `550 5.1.1 <${to}> nobody of that name, write to ${to} elsewhere`;
  return to.includes('busy') ? `451 4.2.1 <${to}> is busy` : '250 fine';
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

async function serve(answer: (request: IncomingMessage, body: string, response: ServerResponse) => void) {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString('latin1');
    });
    request.on('end', () => answer(request, body, response));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return server;
}

export async function startRefusingProviders(): Promise<RefusingProviders> {
  const called: RefusingProviders['called'] = { smtp: [], sms: [], push: [] };
  const smtp = await serveConnections((socket) => {
    let inData = false;
    let rest = '';
    socket.write('220 canary\r\n');
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString('latin1')).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (inData && line !== '.') continue;
        const answer = inData ? '250 taken' : smtpAnswer(line, called.smtp);
        inData = !inData && /^DATA/i.test(line);
        socket.write(`${answer}\r\n`);
      }
    });
  });
  const sms = await serve((request, body, response) => {
    if (request.method === 'GET')
      return void response.writeHead(404).end(JSON.stringify({ code: 'unknown' }));
    const { to } = JSON.parse(body) as { to: string };
    called.sms.push(to);
    const say = (status: number, answer: object) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    if (to.endsWith('1')) return say(422, { code: 'number-unknown', message: `${to} is nobody's` });
    if (to.endsWith('2')) return say(422, { code: 'sender-unknown', message: `not to ${to}` });
    if (to.endsWith('3')) return say(422, { code: `no-such-number ${to}`, message: to });
    if (to.endsWith('4')) return say(500, { code: to });
    say(201, { id: `message-${called.sms.length}` });
  });
  const push = await serve((request, _body, response) => {
    const url = request.url ?? '';
    called.push.push(url);
    const status = url.includes('gone') ? 410 : url.includes('wrong') ? 400 : 500;
    response
      .writeHead(status, { 'content-type': 'text/plain', 'x-debug': url })
      .end(`${url} cannot be reached`);
  });
  return {
    smtpUrl: `smtp://127.0.0.1:${smtp.port}`,
    smsUrl: `http://allim:secret@127.0.0.1:${portOf(sms)}/`,
    pushUrl: `http://127.0.0.1:${portOf(push)}`,
    called,
    async stop() {
      await smtp.stop();
      for (const server of [sms, push]) {
        server.closeAllConnections();
        await new Promise((done) => server.close(done));
      }
    },
  };
}
