/**
 * `npm run mutants [-- NAME…] [--list] [--keep]`: are the tests worth their time? Each hand-made bug of mutants.ts is put into a copy of
 * the tree (never into the tree itself), and the tests that it names must turn red. Before that they must be green without it. Exit code 1
 * where a bug survives, where it no longer fits the code, or where a test file could not be loaded: that would be red for the wrong reason.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { serviceEnvironment, startServices, stopServices } from '../../scripts/services.ts';
import { setup, teardown } from '../support/setup.ts';
import { apply, type Mutant } from './mutant.ts';
import { MUTANTS } from './mutants.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
/** A bug may make a test wait for ever. */
const LIMIT_MS = 180_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { list: { type: 'boolean', default: false }, keep: { type: 'boolean', default: false } },
});
const say = (line: string) => process.stdout.write(`${line}\n`);

/** Every file of the working tree that git knows or would take, uncommitted changes included; node_modules is shared. */
async function copyTree(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'allim-mutants-'));
  const listed = spawnSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: ROOT,
    maxBuffer: 1 << 26,
  });
  if (listed.status !== 0) throw new Error(`git ls-files: ${listed.stderr}`);
  for (const file of listed.stdout.toString().split('\0')) {
    if (file === '' || file === 'node_modules') continue;
    await mkdir(path.join(folder, path.dirname(file)), { recursive: true });
    // Deleted and not yet committed: it is no part of the tree.
    await cp(path.join(ROOT, file), path.join(folder, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
  await symlink(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  return folder;
}

type Ran = {
  readonly passed: number;
  readonly failed: readonly string[];
  /** Files that could not be loaded, or a run that did not end. */
  readonly broken: readonly string[];
};

type Report = {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
};

async function runJest(folder: string, files: readonly string[]): Promise<Ran> {
  const out = path.join(folder, 'jest.json');
  await rm(out, { force: true });
  const child = spawn(
    process.execPath,
    [
      '--experimental-vm-modules',
      path.join('node_modules', 'jest', 'bin', 'jest.js'),
      '--json',
      `--outputFile=${out}`,
      '--maxWorkers=1',
      '--forceExit',
      '--silent',
      '--runTestsByPath',
      ...files,
    ],
    { cwd: folder, env: { ...process.env }, stdio: 'ignore', detached: true },
  );
  const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), LIMIT_MS);
  await once(child, 'exit');
  clearTimeout(timer);
  const text = await readFile(out, 'utf8').catch(() => null);
  if (text === null) return { passed: 0, failed: [], broken: ['jest left no results'] };
  const report = JSON.parse(text) as Report;
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  return {
    passed: report.numPassedTests,
    failed: tests.filter((test) => test.status === 'failed').map((test) => test.fullName),
    broken: report.testResults
      .filter((file) => file.assertionResults.length === 0)
      .map((file) => `${path.relative(folder, file.name)}: ${file.message.slice(0, 500)}`),
  };
}

/** Whether the bug was seen. The file is as it was afterwards. */
async function tryMutant(folder: string, mutant: Mutant): Promise<boolean> {
  const file = path.join(folder, mutant.file);
  const original = await readFile(file, 'utf8');
  const startedMs = performance.now();
  const seconds = () => `${((performance.now() - startedMs) / 1_000).toFixed(0)} s`;
  let ran: Ran;
  try {
    await writeFile(file, apply(mutant, original));
    ran = await runJest(folder, mutant.tests);
  } catch (error) {
    say(`NO FIT    ${mutant.name}: ${(error as Error).message}`);
    return false;
  } finally {
    await writeFile(file, original);
  }
  if (ran.failed.length > 0) {
    say(`red       ${mutant.name} (${seconds()}): ${ran.failed.length} of ${ran.failed.length + ran.passed}`);
    for (const name of ran.failed.slice(0, 3)) say(`            ${name}`);
    return true;
  }
  say(`${ran.broken.length > 0 ? 'BROKEN   ' : 'SURVIVED '} ${mutant.name} (${seconds()}): ${mutant.would}`);
  for (const line of ran.broken) say(`            ${line}`);
  return false;
}

const unknown = positionals.filter((name) => !MUTANTS.some((mutant) => mutant.name === name));
if (unknown.length > 0) {
  process.stderr.write(`no such mutant: ${unknown.join(', ')}\n`);
  process.exit(2);
}
const chosen = MUTANTS.filter((mutant) => positionals.length === 0 || positionals.includes(mutant.name));
if (values.list) {
  for (const mutant of chosen) say(`${mutant.name.padEnd(34)} ${mutant.file.padEnd(30)} ${mutant.would}`);
  process.exit(0);
}

let survived = 0;
let started = false;
const folder = await copyTree();
try {
  if (chosen.some((mutant) => mutant.redis === true) && serviceEnvironment()['REDIS_URL'] === undefined)
    started = (await startServices()).started;
  delete process.env['DATABASE_URL'];
  await setup();
  const files = [...new Set(chosen.flatMap((mutant) => mutant.tests))];
  say(`${chosen.length} mutants; ${files.length} test files, first without any`);
  const clean = await runJest(folder, files);
  if (clean.failed.length + clean.broken.length > 0 || clean.passed === 0) {
    say('these are red without any mutant:');
    for (const line of [...clean.failed, ...clean.broken]) say(`  ${line}`);
    survived = chosen.length;
  } else {
    say(`green: ${clean.passed} tests`);
    for (const mutant of chosen) if (!(await tryMutant(folder, mutant))) survived++;
    say(`${chosen.length - survived} of ${chosen.length} mutants turned a test red`);
  }
} finally {
  await teardown();
  if (started) await stopServices();
  if (values.keep) say(`the copy stays in ${folder}`);
  else await rm(folder, { recursive: true, force: true });
}
process.exit(survived > 0 ? 1 : 0);
