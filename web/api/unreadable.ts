/** What is no HTTP, too long a head or too slow a request never reaches a route: answered as everything else is, with the headers of every answer. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

const STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};
const DETAIL: Readonly<Record<number, string>> = {
  400: 'this is not readable as HTTP',
  408: 'the request did not arrive in time',
  431: 'the head of the request is too long',
};

export function answerUnreadable(headers: Readonly<Record<string, string>>) {
  return (error: NodeJS.ErrnoException, socket: Socket): void => {
    // Reset, or half of an answer is written already: there is nobody to tell, or nothing that could be told.
    if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0)
      return void socket.destroy();
    const status = STATUS[error.code ?? ''] ?? 400;
    const body = JSON.stringify({
      type: 'urn:allim:problem:request-malformed',
      title: STATUS_CODES[status],
      status,
      detail: DETAIL[status],
      code: 'request-malformed',
    });
    const head = {
      ...headers,
      'content-type': 'application/problem+json',
      'content-length': String(Buffer.byteLength(body)),
      connection: 'close',
    };
    const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
  };
}
