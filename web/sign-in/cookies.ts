/**
 * The cookies of sign-in. `__Host-` (RFC 6265bis) is believed by browsers only over https, without a domain and for the whole site, so that
 * no neighbouring host can plant one; plain http, which production refuses, has names of its own.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';

export type Cookies = {
  session(request: FastifyRequest): string | undefined;
  setSession(reply: FastifyReply, token: string, seconds: number): void;
  clearSession(reply: FastifyReply): void;
  /** A secret of this browser for one sign-in under way; `mark` tells several apart. */
  browser(request: FastifyRequest, mark: string): string | undefined;
  setBrowser(reply: FastifyReply, mark: string, secret: string, seconds: number): void;
  clearBrowser(reply: FastifyReply, mark: string): void;
};

/** What the cookie of a session is called. */
export const sessionCookie = (secure: boolean): string => (secure ? '__Host-allim' : 'allim-session');

export function createCookies(secure: boolean): Cookies {
  const prefix = secure ? '__Host-allim' : 'allim';
  const session = sessionCookie(secure);
  // Lax: a link in a mail must arrive signed in, and the provider's way back is a link too. What changes anything asks for more (csrf.ts).
  const options = { path: '/', httpOnly: true, sameSite: 'lax', secure } as const;
  const browser = (mark: string) => `${prefix}-sign-in-${mark}`;
  return {
    session: (request) => request.cookies[session],
    setSession: (reply, token, seconds) =>
      void reply.setCookie(session, token, { ...options, maxAge: Math.max(0, Math.floor(seconds)) }),
    clearSession: (reply) => void reply.clearCookie(session, options),
    browser: (request, mark) => request.cookies[browser(mark)],
    setBrowser: (reply, mark, secret, seconds) =>
      void reply.setCookie(browser(mark), secret, { ...options, maxAge: seconds }),
    clearBrowser: (reply, mark) => void reply.clearCookie(browser(mark), options),
  };
}
