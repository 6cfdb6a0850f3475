/**
 * `npm run build` (and quietly before `npm start` and `npm test`): the console, the citizen app's scripts and the shared look, from
 * `web/` into `.cache/web`: hashed names, a manifest, and each file compressed beside itself. Done only where an input changed. Plain
 * JavaScript that any Node from 20 on can ask whether there is something to do; vite itself runs on the pinned Node.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { onPinnedNode, ROOT, runNode, say } from './bootstrap.mjs';

const OUT = path.join(ROOT, '.cache', 'web');
const STAMP = path.join(OUT, 'inputs');

/** What a build is made of: the client's own folders, what they may import, and what builds them. */
const INPUTS = ['web/ui', 'web/console/client', 'web/citizen/client', 'rules', 'domain'];
const SINGLE_INPUTS = ['scripts/build-web.mjs', 'package.json', 'package-lock.json'];

/** What is built, each on its own so that nobody loads a part of another's; an entry that does not exist (yet) is passed over. */
const ENTRIES = [
  { name: 'ui', file: 'web/ui/ui.css' },
  { name: 'console', file: 'web/console/client/main.tsx' },
  { name: 'citizen', file: 'web/citizen/client/main.ts' },
  // One file under one name: the browser compares a service worker byte by byte, and its address is its identity.
  { name: 'service-worker', file: 'web/citizen/client/service-worker.ts', alone: true },
];
/** The oldest browsers that have what is used (Temporal and CSS nesting are not asked of citizens' browsers). */
const TARGET = 'es2022';
const COMPRESSED = /\.(?:js|css|svg|json|webmanifest)$/;

function filesBelow(folder) {
  if (!existsSync(path.join(ROOT, folder))) return [];
  return readdirSync(path.join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(ROOT, path.join(entry.parentPath ?? entry.path, entry.name)));
}

function hashOfInputs() {
  const digest = createHash('sha256');
  const files = [...INPUTS.flatMap(filesBelow), ...SINGLE_INPUTS].filter((file) =>
    existsSync(path.join(ROOT, file)),
  );
  for (const file of files.sort()) digest.update(file).update(readFileSync(path.join(ROOT, file)));
  return digest.digest('hex');
}

/** Whether `.cache/web` is of these very inputs. */
export function isBuilt() {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === hashOfInputs();
}

/** Builds where needed, in a process of its own on the pinned Node; throws where that fails. Safe to call from several processes. */
export async function buildWeb() {
  if (isBuilt()) return;
  const code = await runNode([path.join(ROOT, 'scripts', 'build-web.mjs')], { stdio: ['ignore', 2, 2] });
  if (code !== 0) throw new Error('the web pages could not be built; what is wrong is above');
}

/** One entry, built; what the manifest says of it: its script, its styles, and what it loads at once. */
async function buildEntry(vite, entry, outDir) {
  const result = await vite.build({
    root: ROOT,
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    base: '/assets/',
    define: { 'process.env.NODE_ENV': '"production"' },
    oxc: { jsx: { runtime: 'automatic' } },
    build: {
      outDir,
      emptyOutDir: false,
      target: TARGET,
      // Source maps show nothing that the sources do not, and staff who report a fault can say where.
      sourcemap: false,
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      rolldownOptions: {
        // A note of React's libraries to servers that render, which we are not.
        onwarn: (warning, warn) => {
          if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning);
        },
        input: { [entry.name]: path.join(ROOT, entry.file) },
        output: entry.alone
          ? { format: 'iife', entryFileNames: `${entry.name}.js` }
          : {
              entryFileNames: '[name]-[hash].js',
              chunkFileNames: 'chunk-[name]-[hash].js',
              assetFileNames: '[name]-[hash][extname]',
            },
      },
    },
  });
  const output = [result].flat().flatMap((one) => one.output);
  const byName = new Map(output.map((chunk) => [chunk.fileName, chunk]));
  const script = output.find((chunk) => chunk.type === 'chunk' && chunk.isEntry);
  /** The entry with all that it imports before it runs. */
  const loaded = new Set();
  const visit = (name) => {
    if (loaded.has(name) || !byName.has(name)) return;
    loaded.add(name);
    for (const next of byName.get(name).imports ?? []) visit(next);
  };
  if (script) visit(script.fileName);
  const styles = script
    ? [...loaded].flatMap((name) => [...(byName.get(name).viteMetadata?.importedCss ?? [])])
    : output.filter((chunk) => chunk.fileName.endsWith('.css')).map((chunk) => chunk.fileName);
  // A stylesheet as an entry leaves an empty script behind.
  const isStyle = entry.file.endsWith('.css');
  if (isStyle && script) {
    styles.push(...output.filter((c) => c.fileName.endsWith('.css')).map((c) => c.fileName));
    rmSync(path.join(outDir, script.fileName), { force: true });
  }
  return {
    script: isStyle ? null : (script?.fileName ?? null),
    styles: [...new Set(styles)],
    preloads: isStyle ? [] : [...loaded].filter((name) => name !== script?.fileName),
    files: output.map((chunk) => chunk.fileName).filter((name) => !(isStyle && name === script?.fileName)),
  };
}

/** Of hundreds of tokens a stylesheet names some dozens: the others go, also those that only others named. */
function dropUnusedTokens(file) {
  let css = readFileSync(file, 'utf8');
  for (let before = -1; before !== css.length; ) {
    before = css.length;
    const used = new Set([...css.matchAll(/var\(\s*(--krds-[\w-]+)/g)].map((match) => match[1]));
    css = css.replaceAll(/(--krds-[\w-]+)\s*:[^;{}]*(?:;|(?=\}))/g, (all, name) =>
      used.has(name) ? all : '',
    );
  }
  writeFileSync(file, css);
}

/** Compresses what is text, beside itself, and gives the size that travels. */
function compress(outDir, name) {
  const content = readFileSync(path.join(outDir, name));
  if (!COMPRESSED.test(name)) return content.length;
  const gzip = gzipSync(content, { level: 9 });
  writeFileSync(path.join(outDir, `${name}.gz`), gzip);
  const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } };
  writeFileSync(path.join(outDir, `${name}.br`), brotliCompressSync(content, brotli));
  return gzip.length;
}

const kilobytes = (bytes) => `${(bytes / 1024).toFixed(1)} KB`;

/** Builds here, whatever was built before. */
export async function build() {
  const inputs = hashOfInputs();
  const startedMs = performance.now();
  const outDir = `${OUT}-${process.pid}`;
  rmSync(outDir, { recursive: true, force: true });
  mkdirSync(outDir, { recursive: true });
  const vite = await import('vite');
  const manifest = {};
  const sizes = [];
  try {
    for (const entry of ENTRIES) {
      if (!existsSync(path.join(ROOT, entry.file))) continue;
      const { files, ...built } = await buildEntry(vite, entry, outDir);
      manifest[entry.name] = built;
      for (const name of files) if (name.endsWith('.css')) dropUnusedTokens(path.join(outDir, name));
      const bytes = new Map(files.map((name) => [name, compress(outDir, name)]));
      const first = [built.script, ...built.preloads, ...built.styles].filter((name) => name !== null);
      const sum = (names) => names.reduce((total, name) => total + (bytes.get(name) ?? 0), 0);
      sizes.push([entry.name, sum(first), sum(files.filter((name) => COMPRESSED.test(name)))]);
      built.gzipBytes = sum(first);
    }
    writeFileSync(path.join(outDir, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    writeFileSync(path.join(outDir, 'inputs'), inputs);
    // Whoever serves has read the old ones into its manifest and may still open them: they go only now, all at once.
    rmSync(`${OUT}-old`, { recursive: true, force: true });
    if (existsSync(OUT)) renameSync(OUT, `${OUT}-old`);
    renameSync(outDir, OUT);
  } finally {
    rmSync(outDir, { recursive: true, force: true });
    rmSync(`${OUT}-old`, { recursive: true, force: true });
  }
  for (const [name, first, all] of sizes)
    say(`web: ${name}: ${kilobytes(first)} gzipped at first load, ${kilobytes(all)} in all`);
  say(`web: built in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await onPinnedNode(import.meta.url);
  if (process.argv.includes('--force') || !isBuilt()) await build();
  else say('web: nothing changed since the last build');
}
