/** An agency's webhook: checks signatures with code of its own, echoes challenges, and behaves as it is told. */
import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type ReceivedCall = {
  readonly id: string;
  readonly type: string;
  readonly data: {
    readonly agency: string;
    readonly reports: readonly { readonly id: string; readonly citizen: string; readonly status: string }[];
  };
  /** By which of `secrets` it was signed, in the order of the header. */
  readonly signedBy: readonly number[];
};

export type Behaviour = (call: ReceivedCall, response: ServerResponse, request: IncomingMessage) => void;

export async function startReceiver() {
  const secrets: string[] = [];
  const calls: ReceivedCall[] = [];
  let behave: Behaviour | null = null;

  function signedBy(headers: IncomingMessage['headers'], body: string): number[] {
    const text = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
    return String(headers['webhook-signature'])
      .split(' ')
      .map((signature) =>
        secrets.findIndex(
          (secret) =>
            signature ===
            `v1,${createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64'))
              .update(text)
              .digest('base64')}`,
        ),
      );
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => {});
    response.on('error', () => {});
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const parsed = JSON.parse(body) as ReceivedCall & { data: { challenge?: string } };
      const call = {
        id: String(request.headers['webhook-id']),
        type: parsed.type,
        data: parsed.data,
        signedBy: signedBy(request.headers, body),
      };
      calls.push(call);
      if (behave !== null) return behave(call, response, request);
      response.end(JSON.stringify({ challenge: parsed.data.challenge }));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    port: (server.address() as AddressInfo).port,
    secrets,
    /** Every request, handshakes too. */
    calls,
    /** null: answers as an agency should. */
    behave(next: Behaviour | null): void {
      behave = next;
    },
    async stop(): Promise<void> {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
