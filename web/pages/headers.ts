/**
 * The headers of every answer. A page gets more than the API needs, never more than it uses: no script or style inline, nothing from
 * elsewhere, in nobody's frame. What a page fetches from this host it may; `reveals` names what it needs beyond that.
 * Sources: CSP level 3, RFC 6797 (HSTS), the Fetch and HTML standards for the cross-origin policies.
 */
import type { FastifyReply } from 'fastify';

const COMMON = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'x-frame-options': 'DENY',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
} as const;

/** Of whatever says nothing else: nothing may be loaded and run. */
const API_POLICY = "default-src 'none'; frame-ancestors 'none'";

export type PageNeeds = {
  /** Where its forms may go beside here, redirects included: the origin of an identity provider at sign-in and sign-out. */
  readonly formsTo?: readonly string[];
  /** Its scripts make no markup of texts but by these policies of Trusted Types, or by none; said of a page whose scripts keep to it. */
  readonly trusted?: readonly string[];
};

/** One policy for all pages; `'self'` is this host alone. */
export function pagePolicy({ formsTo = [], trusted }: PageNeeds = {}): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    // A policy has no way to name an address of IPv6: browsers ignore such a source and complain of it on every page.
    `form-action ${["'self'", ...formsTo.filter((origin) => !origin.includes('['))].join(' ')}`,
    "frame-ancestors 'none'",
    ...(trusted === undefined
      ? []
      : ["require-trusted-types-for 'script'", `trusted-types ${trusted.join(' ') || "'none'"}`]),
  ].join('; ');
}

/** Every answer's, set before any handler runs; `https` where the public address is. */
export function answerHeaders(https: boolean): Readonly<Record<string, string>> {
  return {
    ...COMMON,
    'content-security-policy': API_POLICY,
    ...(https ? { 'strict-transport-security': 'max-age=31536000; includeSubDomains' } : {}),
  };
}

/** For a page, in place of the API's policy. `language` is the page's own. */
export function pageHeaders(reply: FastifyReply, language: string, needs: PageNeeds = {}): FastifyReply {
  return reply.headers({
    'content-security-policy': pagePolicy(needs),
    'content-language': language,
    vary: 'accept-language, cookie',
  });
}

/** For files whose name has a hash of their content: nobody need ask for them again. */
export function assetHeaders(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'public, max-age=31536000, immutable');
}
