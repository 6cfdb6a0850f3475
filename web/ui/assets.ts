/**
 * What `scripts/build-web.mjs` built, as pages name it: the shared look and the scripts of console and citizen app. Names carry a hash of
 * what is in them, so browsers keep them for a year; what is served is only what the build wrote.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** Where the build is unless told. */
export const BUILT_WEB = path.join(import.meta.dirname, '..', '..', '.cache', 'web');
export const ASSETS_PATH = '/assets/';
export const FONTS_PATH = `${ASSETS_PATH}fonts.css`;

export type Entry = {
  /** Addresses on this server. */
  readonly script: string | null;
  readonly styles: readonly string[];
  /** Scripts that the first needs before it runs. */
  readonly preloads: readonly string[];
};

export type Assets = {
  readonly folder: string;
  /** Throws where that was not built. */
  entry(name: 'ui' | 'console' | 'citizen'): Entry;
  /** The type alone, for pages that bring their own style sheet and are served where no other is. */
  readonly fonts: string;
  /** The service worker's text, whose address has to be in the folder that it serves; null where there is none. */
  readonly serviceWorker: Buffer | null;
};

type Manifest = Readonly<Record<string, Entry | undefined>>;

/** Reads the manifest once. Throws where nothing was built, saying how to. */
export function readAssets(folder: string = BUILT_WEB): Assets {
  let manifest: Manifest;
  try {
    manifest = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as Manifest;
  } catch (cause) {
    throw new Error('the web pages are not built: run npm run build', { cause });
  }
  const address = (name: string): string => `${ASSETS_PATH}${name}`;
  const faces = (name: string) =>
    readFileSync(path.join(folder, name), 'utf8').match(/@font-face\s*\{[^}]*\}/g);
  const worker = manifest['service-worker']?.script;
  return {
    folder,
    entry: (name) => {
      const entry = manifest[name];
      if (entry === undefined) throw new Error(`the web pages have no part "${name}"`);
      return {
        script: entry.script === null ? null : address(entry.script),
        styles: entry.styles.map(address),
        preloads: entry.preloads.map(address),
      };
    },
    fonts: (manifest['ui']?.styles ?? []).flatMap((name) => faces(name) ?? []).join('\n'),
    serviceWorker: worker == null ? null : readFileSync(path.join(folder, worker)),
  };
}

/** `/assets/*`, without a login: there is nothing in them that the sources do not show. */
export async function mountAssets(app: FastifyInstance, { folder, fonts }: Assets): Promise<void> {
  const names = new Set(readdirSync(folder));
  await app.register(fastifyStatic, {
    root: folder,
    prefix: ASSETS_PATH,
    serve: false,
    preCompressed: true,
    immutable: true,
    maxAge: '365d',
  });
  // By a name that stays: sign-in and the front page do not know what was built. The fonts themselves are kept for a year.
  app.get(FONTS_PATH, { config: { permission: 'public' } }, async (_request, reply) =>
    reply.header('cache-control', 'no-cache').type('text/css; charset=utf-8').send(fonts),
  );
  app.get(`${ASSETS_PATH}:name`, { config: { permission: 'public' } }, async (request, reply) => {
    const { name } = request.params as { name: string };
    if (!names.has(name) || !/-[\w-]{8}\.\w+$/.test(name)) return reply.callNotFound();
    // Before the headers of every answer: assets may be kept, and fonts are asked for by stylesheets.
    reply.removeHeader('cache-control');
    return reply.sendFile(name, { maxAge: '365d', immutable: true });
  });
}
