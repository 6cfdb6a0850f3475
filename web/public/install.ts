/** What makes the app installable and readable offline: manifest, icons, the service worker, and the page it shows where there is no network. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { PublicParts, ShowPublic } from './routes.ts';

const PUBLIC = { permission: 'public' } as const;
const ICONS = path.join(import.meta.dirname, '..', 'ui', 'icons');
const TYPES: Readonly<Record<string, string>> = { '.png': 'image/png', '.svg': 'image/svg+xml' };
const A_DAY = 'public, max-age=86400';
/** A worker is held to the policy that came with its script: under the API's own it could fetch nothing, neither for its pages nor for itself. */
const WORKER_POLICY = "default-src 'none'; connect-src 'self'; img-src 'self'";

export function mountInstall(app: FastifyInstance, parts: PublicParts, show: ShowPublic): void {
  const icons = new Map(readdirSync(ICONS).map((name) => [name, readFileSync(path.join(ICONS, name))]));

  app.get('/icons/:name', { config: PUBLIC }, async (request, reply) => {
    const { name } = request.params as { name: string };
    const icon = icons.get(name);
    if (icon === undefined) return reply.callNotFound();
    return reply.header('cache-control', A_DAY).type(TYPES[path.extname(name)]!).send(icon);
  });

  app.get('/manifest.webmanifest', { config: PUBLIC }, async (request, reply) => {
    const { lang, t } = show.languageOf(request);
    const icon = (size: number, purpose: string) => ({
      src: `/icons/allim${purpose === 'maskable' ? '-maskable' : ''}-${size}.png`,
      sizes: `${size}x${size}`,
      type: 'image/png',
      purpose,
    });
    return reply
      .header('cache-control', A_DAY)
      .type('application/manifest+json; charset=utf-8')
      .send(
        JSON.stringify({
          id: '/me',
          name: `${t.frame.service}: ${t.frame.tagline}`,
          short_name: t.frame.service,
          description: t.frame.tagline,
          lang,
          start_url: '/me',
          scope: '/',
          display: 'standalone',
          background_color: '#f7f8fa',
          theme_color: '#083891',
          icons: [icon(192, 'any'), icon(512, 'any'), icon(192, 'maskable'), icon(512, 'maskable')],
          shortcuts: [
            { name: t.frame.all, url: '/me/all' },
            { name: t.frame.check, url: '/check' },
          ],
        }),
      );
  });

  const { serviceWorker } = parts.assets;
  // Not under the name of the build: its address is its identity, and the browser asks for it again by itself.
  app.get('/me/service-worker.js', { config: PUBLIC }, async (_request, reply) => {
    if (serviceWorker === null) return reply.callNotFound();
    return reply
      .headers({
        'cache-control': 'no-cache',
        'service-worker-allowed': '/me',
        'content-security-policy': WORKER_POLICY,
      })
      .type('text/javascript; charset=utf-8')
      .send(serviceWorker);
  });

  app.get('/me/offline', { config: PUBLIC }, async (request, reply) =>
    show(request, reply, (t) => ({ name: 'offline', title: t.offline.title, view: {} })),
  );
}
