import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Config, loadConfig, readConfig } from '../../app/config.ts';
import { Environment as Settings } from '../../app/environment.ts';

type Environment = Record<string, string | undefined>;

function configOf(environment: Environment): Config {
  const result = readConfig(environment);
  if ('problems' in result) throw new Error(result.problems.map((fault) => fault.message).join('\n'));
  return result.config;
}

function problemsOf(environment: Environment): readonly string[] {
  const result = readConfig(environment);
  return 'problems' in result ? result.problems.map((fault) => fault.message) : [];
}

const KEY = Buffer.from(Array.from({ length: 32 }, (_, i) => 7 * i));
const INDEX_KEY = Buffer.from(Array.from({ length: 32 }, (_, i) => 5 * i));

const PRODUCTION: Environment = {
  ALLIM_ENV: 'production',
  DATABASE_URL: 'postgresql://allim@db.example/allim',
  REDIS_URL: 'rediss://queue.example:6379',
  KAFKA_BROKERS: 'a.example:9092, b.example:9092',
  PUBLIC_URL: 'https://allim.example.kr/',
  ALLIM_ADMIN_TOKEN: 'mMnNoOpPqQrRsStTuUvVwWxXyYzZ012345',
  ALLIM_ENCRYPTION_KEY: KEY.toString('base64'),
  ALLIM_INDEX_KEY: INDEX_KEY.toString('hex'),
  SMTP_URL: 'smtps://user:7hfQzP2k@mail.example:465',
  SMTP_FROM: 'notice@example.kr',
  SMS_URL: 'smpp://user:7hfQzP2k@sms.example:2775',
  SMS_FROM: '15770000',
  VAPID_SUBJECT: 'mailto:allim@example.kr',
  VAPID_PUBLIC_KEY: 'B'.repeat(87),
  VAPID_PRIVATE_KEY: 'k'.repeat(43),
  OIDC_ISSUER: 'https://id.example',
  OIDC_CLIENT_ID: 'allim',
  OIDC_CLIENT_SECRET: 'qJ7hfQzP2kM0aVx4',
  OIDC_CITIZEN_ISSUER: 'https://mobile-id.example',
  OIDC_CITIZEN_CLIENT_ID: 'allim',
  OIDC_CITIZEN_CLIENT_SECRET: 'Zt81bWq0cYxN5uLe',
};

const SASL: Environment = {
  KAFKA_SASL_MECHANISM: 'plain',
  KAFKA_SASL_USERNAME: 'allim',
  KAFKA_SASL_PASSWORD: '7hfQzP2k',
};

describe('configuration', () => {
  test('with nothing set everything is embedded and on loopback', () => {
    expect(configOf({ HOME: '/x', PATH: '/bin' })).toEqual({
      env: 'development',
      questions: { host: '127.0.0.1', port: 0 },
      agencyWeights: new Map(),
      bounces: null,
      smsReceiptSecret: null,
      channelRates: new Map(),
      calendarDir: null,
      feedsFile: null,
      binaryProfiles: false,
      snapshots: { folder: path.resolve('data/snapshots'), everyMs: 600_000 },
      keepMonths: 14,
      dataDir: path.resolve('data'),
      logLevel: 'info',
      host: '127.0.0.1',
      port: 8080,
      portGiven: false,
      publicUrl: null,
      trustedProxies: [],
      pushLoopback: false,
      pushServices: [
        'fcm.googleapis.com',
        '*.push.services.mozilla.com',
        '*.push.apple.com',
        '*.notify.windows.com',
      ],
      webhookLoopback: false,
      inboxDir: null,
      populationRegister: false,
      partitions: 8,
      databaseUrl: null,
      redisUrl: null,
      kafka: null,
      smtp: null,
      sms: null,
      vapid: null,
      oidc: null,
      secrets: { adminToken: null, encryptionKey: null, indexKey: null },
      oldEncryptionKeys: [],
      seal: false,
      metricsToken: null,
    });
  });

  test('an empty variable is one that is not set', () => {
    expect(configOf({ REDIS_URL: '', PORT: ' ', VAPID_PUBLIC_KEY: '' })).toMatchObject({
      redisUrl: null,
      port: 8080,
    });
  });

  test('a whole production environment is read', () => {
    expect(configOf({ ...PRODUCTION, PORT: '443', KAFKA_SSL: 'true' })).toMatchObject({
      env: 'production',
      port: 443,
      portGiven: true,
      publicUrl: 'https://allim.example.kr',
      kafka: { brokers: ['a.example:9092', 'b.example:9092'], ssl: true, sasl: null },
      smtp: { from: 'notice@example.kr' },
      sms: { from: '15770000' },
      oidc: {
        staff: { issuer: 'https://id.example', clientId: 'allim', scope: 'openid profile' },
        citizen: { issuer: 'https://mobile-id.example', scope: 'openid' },
        claims: { agency: 'agency', roles: 'roles', rolePrefix: '', citizen: 'sub' },
      },
    });
  });

  test('a database on a Unix socket is a database', () => {
    const url = 'postgresql://allim@localhost:5432/postgres?host=%2Frun%2Fallim';
    expect(configOf({ DATABASE_URL: url }).databaseUrl).toBe(url);
  });

  test('everything that is wrong is said at once', () => {
    expect(
      problemsOf({
        PORT: 'http',
        ALLIM_PARTITIONS: '0',
        KAFKA_BROKERS: 'localhost',
        ALLIM_ENV: 'prod',
        PUBLIC_URL: 'x',
      }),
    ).toEqual([
      'ALLIM_ENV must be one of development, production, not "prod"',
      'ALLIM_PARTITIONS must be a whole number from 1 to 1024, not "0"',
      'PORT must be a port from 0 to 65535, not "http"',
      'PUBLIC_URL must be a URL beginning with https:// or http://, not "x"',
      'KAFKA_BROKERS must be a list like host:9092,host:9092, not "localhost"',
    ]);
  });

  test.each([
    ['PORT', '80.5'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', 'true'],
    ['PORT', '1e3x'],
    ['ALLIM_LOG_LEVEL', 'loud'],
    ['DATABASE_URL', 'mysql://localhost/x'],
    ['DATABASE_URL', 'localhost:5432'],
    ['REDIS_URL', 'localhost:6379'],
    ['SMTP_URL', 'mail.example'],
    ['ALLIM_ENCRYPTION_KEY', 'short'],
    ['ALLIM_ADMIN_TOKEN', 'guess'],
    ['KAFKA_BROKERS', 'a:9092,,b:9092'],
  ])('%s=%s is refused by name', (name, value) => {
    const problems = problemsOf({ [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name} must be `));
  });

  test('an SMS gateway that speaks no SMPP is refused', () => {
    expect(problemsOf({ SMS_URL: 'ftp://gateway.example', SMS_FROM: '15770000' })).toEqual([
      'SMS_URL must be a URL like smpp://user:password@host:2775 or https://user:password@host/path',
    ]);
  });

  test('the value of a secret is not repeated', () => {
    const problems = problemsOf({ DATABASE_URL: 'mysql://me:hunter2@db', ALLIM_ADMIN_TOKEN: 'hunter2' });
    expect(problems).toHaveLength(2);
    expect(problems.join()).not.toContain('hunter2');
  });

  test.each([
    [{ VAPID_PUBLIC_KEY: 'B'.repeat(87) }, ['VAPID_SUBJECT', 'VAPID_PRIVATE_KEY']],
    [{ KAFKA_BROKERS: 'a:1', KAFKA_SASL_USERNAME: 'me' }, ['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_PASSWORD']],
    [{ OIDC_ISSUER: 'https://id.example' }, ['OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET', 'OIDC_CITIZEN_ISSUER']],
    [
      { OIDC_CITIZEN_ISSUER: 'https://id.example' },
      ['OIDC_CITIZEN_CLIENT_ID', 'OIDC_CITIZEN_CLIENT_SECRET', 'OIDC_ISSUER'],
    ],
    [{ OIDC_ROLES_CLAIM: 'groups' }, ['OIDC_ISSUER']],
    [{ KAFKA_SSL: 'true' }, ['KAFKA_BROKERS']],
    [{ SMTP_FROM: 'a@example.kr' }, ['SMTP_URL']],
    [{ SMS_FROM: '15770000' }, ['SMS_URL']],
    [{ SMS_URL: 'smpp://sms.example:2775' }, ['SMS_FROM']],
  ] as const)('%j is half a provider', (environment, missing) => {
    expect(problemsOf(environment).map((line) => line.split(' ')[0])).toEqual(missing);
  });

  test('production refuses defaults', () => {
    const needed = problemsOf({ ALLIM_ENV: 'production' }).map((line) => line.split(' ')[0]);
    expect(needed).toEqual([
      'DATABASE_URL',
      'REDIS_URL',
      'KAFKA_BROKERS',
      'PUBLIC_URL',
      'ALLIM_ADMIN_TOKEN',
      'ALLIM_ENCRYPTION_KEY',
      'ALLIM_INDEX_KEY',
      'SMTP_URL',
      'SMS_URL',
      'VAPID_PUBLIC_KEY',
      'OIDC_ISSUER',
      'OIDC_CITIZEN_ISSUER',
    ]);
    expect(problemsOf({ ...PRODUCTION, OIDC_ISSUER: 'http://id.example' })).toEqual([
      'OIDC_ISSUER must begin with https:// in production',
    ]);
    expect(problemsOf({ ...PRODUCTION, PUBLIC_URL: 'http://allim.example.kr' })).toEqual([
      'PUBLIC_URL must begin with https:// in production',
    ]);
    expect(problemsOf({ ...PRODUCTION, SMTP_FROM: undefined })).toHaveLength(1);
    expect(problemsOf({ ...PRODUCTION, SMS_URL: undefined, SMS_FROM: undefined })).toEqual([
      'SMS_URL is needed in production: the outbox sends nothing',
    ]);
  });

  test.each([
    [{ SMTP_URL: 'smtp://user:7hfQzP2k@mail.example:587' }, 'SMTP_URL'],
    [{ SMTP_URL: 'smtp://127.0.0.1:25' }, 'SMTP_URL'],
    [{ SMS_URL: 'http://user:7hfQzP2k@127.0.0.1:8090/v1', SMS_FROM: '15770000' }, 'SMS_URL'],
    [{ SMTP_URL: 'smtp://mail.example:587?requireTLS=1' }, 'SMTP_URL'],
    [SASL, 'KAFKA_SSL'],
    [{ ...SASL, KAFKA_SSL: 'false' }, 'KAFKA_SSL'],
  ])('production sends nothing secret in the clear: %j', (more, name) => {
    const problems = problemsOf({ ...PRODUCTION, ...more });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name} must .* production`));
    expect(problems[0]).not.toContain('7hfQzP2k');
    expect(problemsOf({ ...more, ALLIM_ENV: 'development', KAFKA_BROKERS: 'a:1' })).toEqual([]);
  });

  test('a gateway in clear text is one on this machine, anywhere', () => {
    const SMS_FROM = '15770000';
    expect(problemsOf({ SMS_URL: 'http://user:7hfQzP2k@gateway.example/v1', SMS_FROM })).toEqual([
      'SMS_URL must begin with https:// where the gateway is elsewhere, and in production',
    ]);
    expect(
      problemsOf({ ...PRODUCTION, SMS_URL: 'https://user:7hfQzP2k@gateway.example/v1', SMS_FROM }),
    ).toEqual([]);
  });

  test('production takes SMTP that must use STARTTLS, and SASL under TLS', () => {
    const SMTP_URL = 'smtp://user:7hfQzP2k@mail.example:587?requireTLS=true';
    expect(configOf({ ...PRODUCTION, ...SASL, KAFKA_SSL: 'true', SMTP_URL })).toMatchObject({
      smtp: { url: SMTP_URL },
      kafka: { ssl: true, sasl: { mechanism: 'plain' } },
    });
  });

  test('proxies are addresses and networks, and nothing else', () => {
    const given = '10.0.0.5, 10.1.0.0/16,2001:db8::/32';
    expect(configOf({ ALLIM_TRUSTED_PROXIES: given }).trustedProxies).toEqual([
      '10.0.0.5',
      '10.1.0.0/16',
      '2001:db8::/32',
    ]);
    for (const wrong of ['proxy.example', '10.0.0.0/33', '10.0.0.0/0', '10.0.0.1,', 'fe80::1%eth0', 'true'])
      expect(problemsOf({ ALLIM_TRUSTED_PROXIES: wrong })).toHaveLength(1);
  });

  test('a sender longer than SMTP carries is refused', () => {
    const smtp = { SMTP_URL: 'smtps://mail.example' };
    expect(problemsOf({ ...smtp, SMTP_FROM: `${'a'.repeat(65)}@example.kr` })).toHaveLength(1);
    expect(problemsOf({ ...smtp, SMTP_FROM: `a@${'b'.repeat(250)}.kr` })).toHaveLength(1);
  });

  test('production refuses secrets that somebody made up or that stand in documents', () => {
    const wrong = {
      DATABASE_URL: 'postgresql://allim:allim@db.example/allim',
      REDIS_URL: 'redis://:change-me@queue.example:6379',
      SMTP_URL: 'smtps://me:hunter%zz@mail.example',
      ALLIM_ADMIN_TOKEN: 'x'.repeat(40),
      ALLIM_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
      ALLIM_INDEX_KEY: Buffer.alloc(32, 7).toString('hex'),
      OIDC_ISSUER: 'https://id.example',
      OIDC_CLIENT_ID: 'allim',
      OIDC_CLIENT_SECRET: 'secret',
      OIDC_CITIZEN_ISSUER: 'https://mobile-id.example',
      OIDC_CITIZEN_CLIENT_ID: 'allim',
      OIDC_CITIZEN_CLIENT_SECRET: 'Zt81bWq0cYxN5uLe',
    };
    expect(problemsOf({ ...PRODUCTION, ...wrong }).map((line) => line.split(' ')[0])).toEqual([
      'DATABASE_URL',
      'REDIS_URL',
      'OIDC_CLIENT_SECRET',
      'ALLIM_ADMIN_TOKEN',
      'ALLIM_ENCRYPTION_KEY',
      'ALLIM_INDEX_KEY',
      'ALLIM_INDEX_KEY',
    ]);
    const token = PRODUCTION['ALLIM_ADMIN_TOKEN'];
    expect(problemsOf({ ...PRODUCTION, ALLIM_METRICS_TOKEN: token })).toHaveLength(1);
    // A trial may have what it likes.
    expect(problemsOf({ ...wrong, ALLIM_ENV: 'development' })).toEqual([]);
  });

  test('sealing is on in production unless it is switched, and off elsewhere', () => {
    expect(configOf(PRODUCTION).seal).toBe(true);
    expect(configOf({ ...PRODUCTION, ALLIM_SEAL: 'off' }).seal).toBe(false);
    expect(configOf({ ALLIM_SEAL: 'on' }).seal).toBe(true);
    expect(problemsOf({ ALLIM_SEAL: 'yes' })).toEqual(['ALLIM_SEAL must be one of on, off, not "yes"']);
  });

  test('older keys are a list, and none without the key that writes', () => {
    const keys = `${KEY.toString('base64')}, ${INDEX_KEY.toString('hex')}`;
    const given = { ALLIM_ENCRYPTION_KEY: KEY.toString('hex'), ALLIM_ENCRYPTION_KEYS_OLD: keys };
    expect(configOf(given).oldEncryptionKeys).toHaveLength(2);
    expect(problemsOf({ ALLIM_ENCRYPTION_KEYS_OLD: keys })).toHaveLength(1);
    expect(problemsOf({ ...given, ALLIM_ENCRYPTION_KEYS_OLD: 'short' })).toHaveLength(1);
  });

  describe('NAME_FILE', () => {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'allim-config-'));
    });
    afterAll(async () => {
      await rm(folder, { recursive: true, force: true });
    });
    const file = async (name: string, text: string) => {
      const at = path.join(folder, name);
      await writeFile(at, text);
      return at;
    };

    test('holds the value of NAME, without the line end', async () => {
      const url = await file('redis', 'redis://:7hfQzP2k@queue:6379\n');
      expect(configOf({ REDIS_URL_FILE: url }).redisUrl).toBe('redis://:7hfQzP2k@queue:6379');
    });

    test('that is empty gives nothing, as an empty variable does', async () => {
      const empty = await file('empty', '\n');
      expect(configOf({ SMTP_URL_FILE: empty }).smtp).toBeNull();
      expect(
        problemsOf({ ...PRODUCTION, SMTP_URL: undefined, SMTP_FROM: undefined, SMTP_URL_FILE: empty }),
      ).toEqual(expect.arrayContaining(['SMTP_URL is needed in production: the outbox sends nothing']));
    });

    test('is told apart from NAME, and told where it cannot be read; its content never is', async () => {
      const wrong = await file('wrong', 'hunter2');
      expect(
        problemsOf({
          REDIS_URL_FILE: wrong,
          REDIS_URL: 'redis://queue:6379',
          SMS_URL_FILE: path.join(folder, 'none'),
          DATABASE_URL_FILE: wrong,
        }),
      ).toEqual([
        'REDIS_URL_FILE and REDIS_URL are both set: take one of them away',
        `SMS_URL_FILE: ${path.join(folder, 'none')} cannot be read (ENOENT)`,
        'DATABASE_URL must be a URL like postgresql://user:password@host:5432/database',
      ]);
    });
  });

  test('loadConfig throws one error with every fault in it', () => {
    expect(() => loadConfig({ PORT: 'x', KAFKA_SSL: 'maybe' })).toThrow(
      expect.objectContaining({
        code: 'config-invalid',
        message: expect.stringMatching(/PORT must be[\s\S]*KAFKA_SSL must be/),
        faults: expect.arrayContaining([expect.objectContaining({ pointer: '/PORT' })]),
      }),
    );
  });

  test('every variable stands in docs/operations.md', () => {
    const told = readFileSync(path.join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
    const names = Object.keys(Settings.properties);
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !told.includes(`\`${name}\``))).toEqual([]);
  });
});
