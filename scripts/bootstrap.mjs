/**
 * The way from whatever Node a person has (20 or later) to the pinned one: installs what is missing, then goes on under
 * node_modules/node. Plain JavaScript, Node's own modules only. Every script in package.json begins here.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const STAMP = path.join(ROOT, 'node_modules', '.allim-install');
const PINNED = path.join(
  ROOT,
  'node_modules',
  'node',
  'bin',
  process.platform === 'win32' ? 'node.exe' : 'node',
);

/** Progress goes to stderr: the last line of stdout belongs to the command (`--json`). */
export function say(line) {
  process.stderr.write(`allim: ${line}\n`);
}

function pinnedVersion() {
  return JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')).dependencies.node;
}

/** What node_modules has to match. */
function wanted() {
  const digest = createHash('sha256');
  for (const name of ['package.json', 'package-lock.json']) {
    const file = path.join(ROOT, name);
    if (existsSync(file)) digest.update(readFileSync(file));
  }
  return `${digest.digest('hex')} ${process.platform}-${process.arch}`;
}

function isLink(file) {
  try {
    return lstatSync(file).isSymbolicLink();
  } catch {
    return false;
  }
}

/**
 * Installs with npm where node_modules is missing or was made from another lock file. `npm install` and not `npm ci`: the lock does
 * not list the optional packages of platforms other than the one it was made on, which `ci` takes for a fault. `--no-save` keeps the
 * lock file as it is.
 */
function install() {
  // A linked node_modules is shared by several checkouts; it is kept by whoever owns it.
  if (isLink(path.join(ROOT, 'node_modules'))) return;
  const stamp = wanted();
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === stamp && existsSync(PINNED)) return;
  say(
    existsSync(STAMP)
      ? 'packages changed: running npm install'
      : 'installing packages with npm (some 200 MB, once)',
  );
  const startedMs = Date.now();
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const done = spawnSync(npm, ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: ROOT,
    // npm's chatter must not become the last line of stdout.
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
    env: installEnvironment(),
  });
  if (done.error) fail(`npm could not be started: ${done.error.message}`);
  if (done.status !== 0) fail(`npm install failed (exit ${done.status}); its output is above`);
  if (!existsSync(PINNED))
    fail(
      'npm installed no Node: the install script of the package `node` was not run. Allow it (npm config set ignore-scripts false) and try again.',
    );
  writeFileSync(STAMP, stamp);
  say(`installed in ${Math.round((Date.now() - startedMs) / 1000)} s`);
}

/** `npm start` and `npm test` hand their own settings down as npm_config_*; those of the outer call (`--json`, say) are not for this one. */
function installEnvironment() {
  const environment = {};
  for (const [name, value] of Object.entries(process.env))
    if (
      !/^npm_(config_(?!registry|cache|userconfig|globalconfig|proxy|https_proxy|noproxy|cafile)|lifecycle|package|command)/i.test(
        name,
      )
    )
      environment[name] = value;
  environment.NODE_ENV = 'development';
  return environment;
}

function fail(message) {
  say(message);
  process.exit(1);
}

/**
 * Arguments for every pinned process: type stripping and vm modules are features we chose, not news. Where the bundled database is used,
 * everything shares one small machine: then a young generation of a few megabytes, since 16 for each of three spaces are a tenth of the
 * memory that all of it may take. Elsewhere that would cost a tenth of the time in collecting garbage.
 */
function nodeFlags(env) {
  return ['--disable-warning=ExperimentalWarning', ...(env.DATABASE_URL ? [] : ['--max-semi-space-size=4'])];
}

/** Runs the pinned Node with these arguments; resolves to its exit code. Signals reach it and are waited for. */
export function runNode(args, { env = process.env, stdio = 'inherit' } = {}) {
  return new Promise((resolve) => {
    const child = spawn(PINNED, [...nodeFlags(env), ...args], { cwd: process.cwd(), env, stdio });
    // Ctrl-C reaches the whole process group by itself; a signal sent to this process alone is handed on.
    const forward = (signal) => child.kill(signal);
    const ignore = () => {};
    process.on('SIGINT', ignore);
    process.on('SIGTERM', forward);
    process.on('SIGHUP', forward);
    child.on('error', (error) => fail(`${PINNED} does not start: ${error.message}`));
    child.on('exit', (code, signal) => {
      process.off('SIGINT', ignore);
      process.off('SIGTERM', forward);
      process.off('SIGHUP', forward);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143));
    });
  });
}

/** Installs what is missing. Afterwards `runNode` works. 10 ms when nothing is to do. */
export function prepare() {
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major < 20) fail(`Node ${process.versions.node} is too old to begin with: 20 or later is needed`);
  install();
}

/**
 * Goes on only in the pinned Node: under another one this starts the script there with the same arguments and ends with its code.
 * Call it first: `await onPinnedNode(import.meta.url)`.
 */
export async function onPinnedNode(scriptUrl) {
  prepare();
  if (process.versions.node === pinnedVersion()) return;
  process.exit(await runNode([fileURLToPath(scriptUrl), ...process.argv.slice(2)]));
}
