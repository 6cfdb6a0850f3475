/** Reads every import of the repository and holds it against the table of STYLE.md ("The tree"). */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';

const ROOT = path.join(import.meta.dirname, '..');

type Area = {
  /** Directories whose any file it may import, beside its own. */
  readonly directories: readonly string[];
  /** Directories of which it may import the port and plain queries, but no adapter. */
  readonly ports?: readonly string[];
  /** Files, by basename, that alone may use `ports`. */
  readonly portsOnlyIn?: readonly string[];
};

const SHARD_FILES = ['rule-store.ts', 'shard-server.ts'];

const AREAS: Readonly<Record<string, Area>> = {
  domain: { directories: [] },
  rules: { directories: ['domain'], ports: ['broker', 'store'], portsOnlyIn: SHARD_FILES },
  templates: { directories: ['domain'] },
  broker: { directories: ['domain'] },
  queue: { directories: ['domain'] },
  store: { directories: ['domain'] },
  producers: { directories: ['domain'], ports: ['broker', 'store'] },
  dispatcher: { directories: ['domain'], ports: ['broker', 'queue', 'store'] },
  workers: { directories: ['domain', 'templates'], ports: ['queue', 'store'] },
  web: { directories: ['domain', 'rules', 'templates', 'producers'], ports: ['store', 'queue', 'broker'] },
};

/** Product code outside the table: `app` knows everything and nobody knows it; these stand around the product. */
const AROUND = ['scripts', 'test', 'bench'];
const DIRECTORIES = [...Object.keys(AREAS), 'app', ...AROUND];

/** Only `app/` and tests import these: they bind a port to a vendor or to a machine. */
const ADAPTERS = [
  /^broker\/(kafka|embedded)([-/].*)?\.ts$/,
  /^queue\/bullmq([-/].*)?\.ts$/,
  /^store\/(postgres|migrate|bundled.*)\.ts$/,
  /^workers\/providers\/(?!provider\.ts$)/,
];

/** What runs in a browser knows its own folder, the shared look, and pure code; nobody who runs on the server knows it. */
const CLIENT = /^(web\/(?:console|citizen)\/client)\//;
const IN_BROWSERS = ['domain', 'rules'];
/** Server code of those that a browser does not have. */
const NOT_IN_BROWSERS = /^rules\/(?:run|population)\//;

/** Vendor packages and the only places that may import them. */
const VENDORS: readonly (readonly [name: string, where: RegExp])[] = [
  ['kafkajs', /^broker\/kafka[^/]*\.ts$|^broker\/kafka\//],
  ['bullmq', /^queue\//],
  ['ioredis', /^queue\//],
  ['pg', /^store\/postgres\.ts$/],
  ['pg-copy-streams', /^store\//],
  ['web-push', /^workers\/providers\//],
  ['nodemailer', /^workers\/providers\//],
  ['undici', /^workers\/providers\/http-call\.ts$/],
  ['smpp', /^workers\/providers\//],
  ['handlebars', /^templates\/|^web\/pages\/render\.ts$/],
  ['prom-client', /^app\/metrics\.ts$/],
  ['react', /^web\/console\/client\//],
  ['react-dom', /^web\/console\/client\/main\.tsx$/],
  ['react-querybuilder', /^web\/console\/client\//],
  ['wouter', /^web\/console\/client\//],
  ['@tanstack/react-query', /^web\/console\/client\//],
  ['@fastify/static', /^web\/ui\/assets\.ts$/],
];

function filesBelow(folder: string): readonly string[] {
  if (!existsSync(path.join(ROOT, folder))) return [];
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => path.posix.join(folder, name.replaceAll(path.sep, '/')))
    .filter((name) => /\.(ts|tsx|mjs)$/.test(name) && !name.includes('node_modules'))
    .filter((name) => statSync(path.join(ROOT, name)).isFile());
}

/** Every kind: `import … from`, `export … from`, `import '…'`, `import('…')`. Types count: they bind as well. */
function importsOf(source: string): readonly string[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
  const found = code.matchAll(/(?:^|[\s;}])(?:from|import)\s*\(?\s*(['"])([^'"\n]+)\1/g);
  return [...found].map((match) => match[2]!);
}

type Import = { readonly file: string; readonly target: string };

/** Imports of our own files, as paths from the root. */
function ownImports(file: string, source: string): readonly Import[] {
  return importsOf(source)
    .filter((name) => name.startsWith('.'))
    .map((name) => ({ file, target: path.posix.join(path.posix.dirname(file), name) }));
}

const area = (file: string) => file.split('/')[0]!;

/** What is wrong with an import, or null. */
function fault({ file, target }: Import): string | null {
  const from = area(file);
  const to = area(target);
  const says = (why: string) => `${file} imports ${target}: ${why}`;
  if (AROUND.includes(from))
    return to === 'test' && from !== 'test' && from !== 'bench' && file !== 'scripts/test.mjs'
      ? says('test is for tests')
      : null;
  if (AROUND.includes(to)) return says(`${to} is no part of the product`);
  const client = CLIENT.exec(file)?.[1];
  if (client !== undefined) {
    if (target.startsWith(`${client}/`) || target.startsWith('web/ui/')) return null;
    return IN_BROWSERS.includes(to) && !NOT_IN_BROWSERS.test(target)
      ? null
      : says('a browser knows only its own folder, web/ui, domain and rules');
  }
  if (CLIENT.test(target)) return says('what runs in a browser runs nowhere else');
  if (from === to) return null;
  if (to === 'app') return says('nobody imports app');
  if (from === 'app') return null;
  if (target === 'package.json') return null;
  const table = AREAS[from];
  if (table === undefined) return says(`${from} is not in the table`);
  if (ADAPTERS.some((adapter) => adapter.test(target))) return says('only app and tests import an adapter');
  if (table.directories.includes(to)) return null;
  if (!table.ports?.includes(to)) return says(`${from} may not know ${to}`);
  if (table.portsOnlyIn !== undefined && !table.portsOnlyIn.includes(path.posix.basename(file)))
    return says(`in ${from} only ${table.portsOnlyIn.join(', ')} may know ${to}`);
  return null;
}

const sources = new Map(
  DIRECTORIES.flatMap(filesBelow).map((file) => [file, readFileSync(path.join(ROOT, file), 'utf8')] as const),
);
const product = [...sources.keys()].filter((file) => !AROUND.includes(area(file)));

describe('the tree', () => {
  test('every import is one the table allows', () => {
    const faults = [...sources].flatMap(([file, source]) => ownImports(file, source).map(fault));
    expect(faults.filter((found) => found !== null)).toEqual([]);
    expect(sources.size).toBeGreaterThan(20);
  });

  test('vendor packages stay where they are bound', () => {
    const faults = product.flatMap((file) =>
      importsOf(sources.get(file)!).flatMap((name) =>
        VENDORS.filter(
          ([vendor, where]) => (name === vendor || name.startsWith(`${vendor}/`)) && !where.test(file),
        ).map(([vendor]) => `${file} imports ${vendor}`),
      ),
    );
    expect(faults).toEqual([]);
  });

  // The names of encodings are not looked for, files come in them from anywhere; nor is the language's, which pages offer.
  test('what only this country has is named in its own folder', () => {
    const KOREAN = /(['"`])(?:Asia\/Seoul|KR|KRW|원|[^'"`\n]*(?:국민|한국(?!어))[^'"`\n]*)\1/iu;
    const faults = product.flatMap((file) =>
      file.startsWith('domain/kr/')
        ? []
        : sources
            .get(file)!
            .replaceAll(/\/\*[\s\S]*?\*\//g, '')
            .split('\n')
            .flatMap((line, at) =>
              KOREAN.test(line.replace(/\/\/.*$/, '')) ? [`${file}:${at + 1} ${line.trim()}`] : [],
            ),
    );
    expect(faults).toEqual([]);
  });

  test('the environment is read in app alone', () => {
    // The bundled server hands PATH on to what it starts.
    const allowed = ['store/bundled.ts'];
    const readers = product.filter(
      (file) => area(file) !== 'app' && /\bprocess\.env\b/.test(sources.get(file)!),
    );
    expect(readers.filter((file) => !allowed.includes(file))).toEqual([]);
  });

  test('product code writes no console lines', () => {
    expect(product.filter((file) => /\bconsole\.\w+\(/.test(sources.get(file)!))).toEqual([]);
  });

  test('rules, domain, dispatcher and templates take time and chance from outside', () => {
    const timeless = product.filter((file) =>
      ['rules', 'domain', 'dispatcher', 'templates'].includes(area(file)),
    );
    const clocks = timeless.filter(
      (file) =>
        file !== 'domain/clock.ts' &&
        /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bTemporal\.Now\b/.test(sources.get(file)!),
    );
    expect(clocks).toEqual([]);
  });

  test('files are named in kebab-case and there is no drawer for odds and ends', () => {
    const names = [...sources.keys()].filter((file) => !/^(?:[a-z0-9.-]+\/)*[a-z0-9.-]+$/.test(file));
    expect(names).toEqual([]);
    const drawers = /(^|\/)(src|lib|utils|common|helpers|types)(\/|\.ts$)/;
    expect(product.filter((file) => drawers.test(file))).toEqual([]);
  });
});

describe('the guard itself', () => {
  test('names as exceptions only files that exist', () => {
    expect(SHARD_FILES.filter((file) => !sources.has(`rules/run/${file}`))).toEqual([]);
  });

  test.each([
    ['rules/language.ts', 'dispatcher/plan.ts', /rules may not know dispatcher/],
    ['rules/language.ts', 'broker/broker.ts', /in rules only/],
    ['workers/deliver.ts', 'broker/broker.ts', /workers may not know broker/],
    ['dispatcher/plan.ts', 'broker/kafka.ts', /only app and tests import an adapter/],
    ['domain/ids.ts', 'store/events.ts', /domain may not know store/],
    ['web/api/events.ts', 'app/config.ts', /nobody imports app/],
    ['web/console/client/main.tsx', 'web/api/server.ts', /a browser knows only/],
    ['web/console/client/main.tsx', 'store/events.ts', /a browser knows only/],
    ['web/console/client/main.tsx', 'rules/run/shard.ts', /a browser knows only/],
    ['web/console/client/main.tsx', 'web/citizen/client/main.ts', /a browser knows only/],
    ['web/console/routes.ts', 'web/console/client/main.tsx', /runs nowhere else/],
    ['store/events.ts', 'test/support/eventually.ts', /test is no part of the product/],
  ])('%s may not import %s', (file, target, why) => {
    expect(fault({ file, target })).toMatch(why);
  });

  test('sees every way to import', () => {
    const source = `import a from './a.ts';\nimport type {\n  B,\n} from "./b.ts";\nexport * from './c.ts';\nimport './d.ts';
      const e = await import('./e.ts'); // import './f.ts'\n// import './g.ts'\n/* from './h.ts' */`;
    expect(importsOf(source)).toEqual(
      expect.arrayContaining(['./a.ts', './b.ts', './c.ts', './d.ts', './e.ts']),
    );
    expect(importsOf(source)).not.toContain('./g.ts');
  });
});
