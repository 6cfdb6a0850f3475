/**
 * docker-compose.yml, .env.example and the Dockerfile against the code: no engine runs here, so every service, port, variable, secret, path
 * and health path that they name is one that exists, and what they give a role is a configuration that production takes.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { COMMANDS } from '../app/commands/commands.ts';
import { drawSecrets, secrets as secretsCommand } from '../app/commands/secrets.ts';
import { readConfig } from '../app/config.ts';
import { Environment } from '../app/environment.ts';
import { ROLES } from '../app/roles.ts';
import { MAX_RECORD_BYTES } from '../broker/broker.ts';
import { silentLogger } from '../domain/logger.ts';
import { healthRoutes } from '../web/api/routes.ts';

const run = promisify(execFile);
const ROOT = path.join(import.meta.dirname, '..');
const read = (...parts: string[]) => readFileSync(path.join(ROOT, ...parts), 'utf8');

type Service = {
  readonly image: string;
  readonly command?: string | readonly string[];
  readonly profiles?: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly secrets?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { condition: string }>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly networks?: readonly string[];
  readonly volumes?: readonly string[];
  readonly user?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly deploy?: { readonly resources: { readonly limits: { cpus: string; memory: string } } };
};
type Compose = {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly networks: Readonly<Record<string, unknown>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};

const text = read('docker-compose.yml');
const compose = parse(text, { merge: true }) as Compose;
const services = Object.entries(compose.services);
const ours = services.filter(([, service]) => service.image.startsWith('allim:'));
const roles = ours.filter(([name]) => name !== 'topics');
const example = Object.fromEntries(
  [...read('.env.example').matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name!, value!]),
);
const filled = (value: unknown) =>
  String(value).replaceAll(/\$\{(\w+)\}/g, (_, name: string) => example[name] ?? `no ${name}`);

describe('docker-compose.yml', () => {
  test('has a service for each role, named like it, and every one of ours runs something that exists', () => {
    expect(roles.map(([name]) => name).toSorted()).toEqual([...ROLES].toSorted());
    for (const [name, { command }] of ours) {
      expect(command).toEqual([name]);
      expect(COMMANDS.has(name) || (ROLES as readonly string[]).includes(name)).toBe(true);
    }
  });

  test('sets only what the code reads, each from .env or from a secret that the service is given', () => {
    const known = Object.keys(Environment.properties);
    for (const [, { environment = {}, secrets = [] }] of ours)
      for (const [name, value] of Object.entries(environment)) {
        expect(known).toContain(name.replace(/_FILE$/, ''));
        if (!name.endsWith('_FILE')) continue;
        const [, secret = ''] = /^\/run\/secrets\/(.+)$/.exec(String(value)) ?? [];
        expect(secrets).toContain(secret);
      }
    const used = new Set([...text.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name!));
    expect([...used].toSorted()).toEqual(Object.keys(example).toSorted());
  });

  test('mounts the secrets that `allim secrets` draws, each from its file and for somebody', () => {
    expect(Object.keys(compose.secrets).toSorted()).toEqual(Object.keys(drawSecrets()).toSorted());
    for (const [name, { file }] of Object.entries(compose.secrets)) expect(file).toBe(`./secrets/${name}`);
    const given = new Set(services.flatMap(([, { secrets = [] }]) => secrets));
    expect([...given].toSorted()).toEqual(Object.keys(compose.secrets).toSorted());
    expect(read('.gitignore')).toMatch(/^\/secrets\/$/m);
  });

  test('asks for a health path and a port that a role serves', () => {
    const paths = healthRoutes({ pool: {} as never, checks: [], logger: silentLogger }).map(([, url]) => url);
    for (const [, { healthcheck, environment }] of roles) {
      const [, port, url] =
        /http:\/\/127\.0\.0\.1:(\d+)(\/\w+)/.exec(healthcheck?.test?.join(' ') ?? '') ?? [];
      expect(paths).toContain(url);
      expect(port).toBe(environment?.['PORT']);
      expect(environment?.['ALLIM_HOST']).toBe('0.0.0.0');
    }
    // Whoever has no health of its own is waited for otherwise.
    for (const [name, { healthcheck, profiles }] of services)
      if (profiles === undefined && name !== 'topics') expect(healthcheck?.test?.length).toBeGreaterThan(1);
  });

  test('publishes ports to this machine alone, and those of roles from the port they listen on', () => {
    const ports = services.flatMap(([, { ports = [] }]) => ports);
    expect(ports.length).toBeGreaterThan(0);
    expect(new Set(ports).size).toBe(ports.length);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    for (const [, { ports = [], environment }] of roles)
      for (const port of ports) expect(port.split(':')[2]).toBe(environment?.['PORT']);
  });

  test('lets roles wait for what they need, and names only services, networks and volumes that are there', () => {
    for (const [, { depends_on }] of roles)
      expect(Object.keys(depends_on ?? {}).toSorted()).toEqual(['kafka', 'postgres', 'redis', 'topics']);
    for (const [, { depends_on = {}, networks = [], volumes = [] }] of services) {
      for (const name of Object.keys(depends_on)) expect(compose.services).toHaveProperty(name);
      for (const name of networks) expect(compose.networks).toHaveProperty(name);
      for (const volume of volumes) expect(compose.volumes).toHaveProperty(volume.split(':')[0]!);
    }
  });

  test('bounds every container, and ours can change nothing and be nobody else', () => {
    for (const [, { deploy }] of services) {
      expect(deploy?.resources.limits.memory).toMatch(/^\d+[mg]$/);
      expect(Number(deploy?.resources.limits.cpus)).toBeGreaterThan(0);
    }
    for (const [, { read_only, cap_drop, user }] of ours) {
      expect(read_only).toBe(true);
      expect(cap_drop).toEqual(['ALL']);
      expect(filled(user)).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    }
  });

  test('starts Kafka, Redis and Postgres as we need them', () => {
    const { kafka, redis, postgres } = compose.services;
    expect(kafka?.environment).toMatchObject({ KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false' });
    expect(Number(kafka?.environment?.['KAFKA_MESSAGE_MAX_BYTES'])).toBeGreaterThan(MAX_RECORD_BYTES);
    expect(String(redis?.command)).toMatch(/--aclfile .*--maxmemory-policy noeviction --maxmemory \d/);
    expect(drawSecrets()['redis-acl']).toMatch(/^user default off\nuser allim on #[0-9a-f]{64} ~allim:\* /);
    const [, most] = /max_connections=(\d+)/.exec(String(postgres?.command)) ?? [];
    // 22 for a process: docs/operations.md.
    expect(Number(most)).toBeGreaterThanOrEqual(22 * ROLES.length + 20);
  });
});

describe('what compose gives a role', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'allim-deployment-'));
    expect(await secretsCommand.run([path.join(folder, 'secrets')])).toBe(0);
    // What only the operator has.
    writeFileSync(path.join(folder, 'secrets', 'smtp-url'), 'smtps://notice:7hfQzP2k@mail.example.kr:465\n');
    writeFileSync(path.join(folder, 'secrets', 'sms-url'), 'smpp://allim:7hfQzP2k@sms.example.kr:2775\n');
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const given = (service: Service): Record<string, string> =>
    Object.fromEntries(
      Object.entries(service.environment ?? {}).map(([name, value]) => [
        name,
        filled(value).replace('/run/secrets', path.join(folder, 'secrets')),
      ]),
    );

  test('is a configuration that production takes, sealed, reaching the services by their names', () => {
    for (const [, service] of ours) {
      const result = readConfig(given(service));
      if ('problems' in result) throw new Error(result.problems.map((fault) => fault.message).join('\n'));
      const { config } = result;
      expect(config).toMatchObject({ env: 'production', seal: true, portGiven: true });
      const hosts = [
        new URL(config.databaseUrl ?? '').hostname,
        new URL(config.redisUrl ?? '').hostname,
        ...(config.kafka?.brokers ?? []).map((broker) => broker.split(':')[0]!),
      ];
      for (const host of hosts) expect(compose.services).toHaveProperty(host);
      for (const broker of config.kafka?.brokers ?? [])
        expect(String(compose.services['kafka']?.environment?.['KAFKA_ADVERTISED_LISTENERS'])).toContain(
          broker,
        );
    }
  });

  test('drawing again keeps what is there', async () => {
    const before = readFileSync(path.join(folder, 'secrets', 'encryption-key'), 'utf8');
    expect(await secretsCommand.run([path.join(folder, 'secrets')])).toBe(0);
    expect(readFileSync(path.join(folder, 'secrets', 'encryption-key'), 'utf8')).toBe(before);
    expect(await secretsCommand.run([])).toBe(2);
  });

  test('a pair of which half is drawn anew is told of', async () => {
    await rm(path.join(folder, 'secrets', 'redis-acl'));
    expect(await secretsCommand.run([path.join(folder, 'secrets')])).toBe(1);
  });
});

/** Compose's own eye, where there is one. */
async function composeCommand(): Promise<readonly string[] | null> {
  const candidates = [['docker', 'compose'], ['docker-compose']];
  for (const command of candidates) {
    const [program = '', ...args] = command;
    const { stdout } = await run(program, [...args, 'version', '--short']).catch(() => ({ stdout: '' }));
    // Version 1 knows an older schema, without a project's name.
    if (/^v?[2-9]\./.test(stdout.trim())) return command;
  }
  return null;
}

const command = await composeCommand();
(command === null ? test.skip : test)(
  `compose takes the file${command === null ? ' (skipped: no compose plugin here)' : ''}`,
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'allim-compose-'));
    try {
      await cp(path.join(ROOT, 'docker-compose.yml'), path.join(folder, 'docker-compose.yml'));
      await cp(path.join(ROOT, '.env.example'), path.join(folder, '.env'));
      mkdirSync(path.join(folder, 'secrets'));
      const [program = '', ...args] = command ?? [];
      await run(program, [...args, '--profile', 'trial', 'config', '--quiet'], { cwd: folder });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);

describe('the Dockerfile', () => {
  const dockerfile = read('Dockerfile');
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, from]) =>
    from!.split(' '),
  );
  const manifest = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };

  test('copies what exists, and everything that the product is made of', () => {
    expect(copied.filter((file) => !existsSync(path.join(ROOT, file)))).toEqual([]);
    const product = ['app', 'broker', 'dispatcher', 'domain', 'producers', 'queue', 'rules', 'store'];
    expect(copied).toEqual(expect.arrayContaining([...product, 'templates', 'web', 'workers']));
    const image = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
    const shipped = copied.filter((file) => image.includes(`COPY ${file} `));
    expect(shipped.filter((file) => /^(test|bench|scripts|docs|data|secrets|\.)/.test(file))).toEqual([]);
    // What browsers load is built in a stage of its own.
    expect(copied.filter((file) => /^(test|bench|docs|data|secrets|\.)/.test(file))).toEqual([]);
    expect(image).toContain('COPY --from=pages /allim/.cache/web .cache/web');
  });

  test('is given what it copies, and nothing else', () => {
    const ignored = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(ignored[0]).toBe('*');
    expect(ignored.slice(1).toSorted()).toEqual([...new Set(copied)].map((file) => `!${file}`).toSorted());
  });

  test('takes the Node that is pinned, runs as nobody in particular, and starts what exists', () => {
    expect(/^ARG NODE_VERSION=(.+)$/m.exec(dockerfile)?.[1]).toBe(manifest.dependencies['node']);
    expect(dockerfile).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
    const [, entry = ''] = /^ENTRYPOINT (.+)$/m.exec(dockerfile) ?? [];
    const script = (JSON.parse(entry) as string[]).at(-1)!;
    expect(existsSync(path.join(ROOT, script))).toBe(true);
    const [, names = ''] = /^ENV (.+)$/m.exec(dockerfile) ?? [];
    const known = [...Object.keys(Environment.properties), 'NODE_ENV'];
    for (const pair of names.split(' ')) expect(known).toContain(pair.split('=')[0]);
  });
});
