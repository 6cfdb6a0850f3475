/** Postgres, Redis and Kafka: reachable or not, versions, clocks, and the settings that we depend on. */
import { readKafkaFacts } from '../../broker/kafka-facts.ts';
import { safeMessage } from '../../domain/errors.ts';
import { silentLogger } from '../../domain/logger.ts';
import { readRedisFacts } from '../../queue/redis-facts.ts';
import { type PostgresFacts, readPostgresFacts } from '../../store/facts.ts';
import { readMigrations } from '../../store/migrate.ts';
import { createPool } from '../../store/postgres.ts';
import type { Config } from '../config.ts';
import { LEDGER_POOL, POOL, topicSpecs } from '../context.ts';
import { passwordIn } from '../made-up-secrets.ts';
import { ROLES } from '../roles.ts';
import { type Notes, noteSkew, skewMs, within } from './finding.ts';
import { judgeTopic } from './topics.ts';

const OLDEST_POSTGRES = 15;
/** BullMQ warns below it and refuses below 5. */
const OLDEST_REDIS = 6.2;

const reasonOf = (error: unknown): string => {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === 'string' ? code : typeof message === 'string' ? message : safeMessage(error);
};

const isLoopback = (host: string): boolean => /^(localhost|127\.|\[?::1\]?$|$)/.test(host);

export async function examinePostgres(
  url: string,
  config: Config,
  notes: Notes,
  timeoutMs: number,
): Promise<void> {
  const at = 'Postgres';
  const pool = createPool({ url, max: 1, applicationName: 'allim-doctor', logger: silentLogger });
  try {
    const beforeMs = Date.now();
    const facts = await within(timeoutMs, readPostgresFacts(pool));
    // The statements around the one that read the clock are part of the way.
    noteSkew(notes, at, skewMs(facts.clockMs, beforeMs, Date.now()));
    judgePostgres(facts, url, config, notes);
    await judgeMigrations(facts, config, notes);
    notes.well(at, `PostgreSQL ${facts.version}, ${facts.connections} connections`);
  } catch (error) {
    notes.fault(
      at,
      `cannot be reached (${reasonOf(error)})`,
      'start the server, and look at host, port, account and password in DATABASE_URL',
    );
  } finally {
    void pool.end().catch(() => undefined);
  }
}

function judgePostgres(facts: PostgresFacts, url: string, config: Config, notes: Notes): void {
  const at = 'Postgres';
  const { settings } = facts;
  const production = config.env === 'production';
  if (facts.versionNumber < OLDEST_POSTGRES * 10_000)
    notes.fault(
      at,
      `version ${facts.version} is too old`,
      `move to PostgreSQL ${OLDEST_POSTGRES} or later; 18 is best`,
    );
  if (facts.inRecovery)
    notes.fault(at, 'is a standby and takes no writes', 'let DATABASE_URL name the primary');
  if (facts.encoding !== 'UTF8')
    notes.fault(at, `the database is encoded in ${facts.encoding}`, "make it anew with ENCODING 'UTF8'");
  for (const name of ['fsync', 'full_page_writes'])
    if (settings[name] === 'off')
      notes.fault(
        at,
        `${name} is off: a power failure destroys the ledger`,
        `set ${name} = on and restart it`,
      );
  if (settings['synchronous_commit'] === 'off')
    notes.fault(
      at,
      'synchronous_commit is off: what was acknowledged can be lost',
      'set synchronous_commit = on',
    );
  for (const name of ['statement_timeout', 'transaction_timeout'])
    if (Number(settings[name] ?? 0) > 0 && Number(settings[name]) < 60_000)
      notes.fault(
        at,
        `${name} is ${settings[name]} ms: long plans would be cut off`,
        `set ${name} = 0 for this role`,
      );
  if (facts.restored)
    notes.fault(
      at,
      'was restored: nothing is sent until somebody decides on what may have been sent already',
      'npm run allim -- restore status',
    );
  if (!facts.mayCreate && !facts.superuser)
    notes.fault(
      at,
      'the account may not create tables',
      'GRANT CREATE ON SCHEMA public and ON DATABASE to it',
    );
  const each = POOL + LEDGER_POOL + (config.kafka === null ? POOL : 0) + (config.redisUrl === null ? 14 : 0);
  const free = Number(settings['max_connections']) - Number(settings['superuser_reserved_connections'] ?? 3);
  if (free < each * ROLES.length)
    notes.fault(
      at,
      `max_connections leaves ${free}; a process takes up to ${each}, and there are ${ROLES.length} roles`,
      `set max_connections = ${Math.ceil((each * ROLES.length + 20) / 50) * 50} or more, and count ${each} for each process`,
    );
  if (!production) return;
  const archives =
    settings['archive_mode'] !== 'off' &&
    `${settings['archive_command']}${settings['archive_library']}` !== '';
  if (!archives)
    notes.fault(
      at,
      'writes no archive of its log: between two backups everything can be lost',
      'set archive_mode = on and an archive_command (docs/operations.md)',
    );
  if (facts.superuser)
    notes.note(at, 'the account is a superuser', 'an account that owns its database is enough');
  const host = URL.parse(url)?.hostname ?? '';
  if (!facts.encrypted && !isLoopback(host))
    notes.note(
      at,
      `the connection to ${host} is not encrypted`,
      'add ?sslmode=verify-full to DATABASE_URL, unless nobody else is on that network',
    );
}

async function judgeMigrations(facts: PostgresFacts, config: Config, notes: Notes): Promise<void> {
  const files = new Set((await readMigrations()).map((one) => one.name));
  const strange = (facts.migrations ?? []).filter((name) => !files.has(name));
  if (strange.length > 0)
    notes.fault(
      'Postgres',
      `has ${strange.join(', ')}, which this version does not know`,
      'run the version that made it, or a newer one',
    );
  if (facts.partitions !== null && facts.partitions !== config.partitions)
    notes.fault(
      'ALLIM_PARTITIONS',
      `is ${config.partitions}; the installation was made with ${facts.partitions}`,
      `set ALLIM_PARTITIONS=${facts.partitions}`,
    );
}

export async function examineRedis(
  url: string,
  config: Config,
  notes: Notes,
  timeoutMs: number,
): Promise<void> {
  const at = 'Redis';
  try {
    const beforeMs = Date.now();
    const facts = await within(timeoutMs, readRedisFacts(url, timeoutMs));
    noteSkew(notes, at, skewMs(facts.clockMs, beforeMs, Date.now()));
    const [major = 0, minor = 0] = facts.version.split('.').map(Number);
    if (major + minor / 10 < OLDEST_REDIS)
      notes.fault(at, `version ${facts.version} is too old`, `move to Redis ${OLDEST_REDIS} or later`);
    if (facts.policy !== 'noeviction')
      notes.fault(
        at,
        `maxmemory-policy is ${facts.policy || 'unknown'}: it may throw jobs away`,
        'set maxmemory-policy noeviction',
      );
    if (facts.maxmemory === 0)
      notes.fault(
        at,
        'has no maxmemory, so its fill cannot be known',
        'set maxmemory 1gb, or what the machine has for it',
      );
    else if (facts.usedMemory / facts.maxmemory > 0.6)
      notes.fault(
        at,
        `is ${Math.round((100 * facts.usedMemory) / facts.maxmemory)} % full; nothing is queued above 60 %`,
        'raise maxmemory, or see what else lies there',
      );
    if (facts.role !== 'master')
      notes.fault(at, 'is a replica and takes no writes', 'let REDIS_URL name the primary');
    if (config.env === 'production') {
      if (passwordIn(url) === '')
        notes.fault(at, 'is used without a password', 'make an ACL account, and name it in REDIS_URL');
      if (!url.startsWith('rediss:') && !isLoopback(URL.parse(url)?.hostname ?? ''))
        notes.note(
          at,
          'the connection is not encrypted',
          'use rediss://, unless nobody else is on that network',
        );
    }
    notes.well(
      at,
      `${facts.version}, account ${facts.account ?? 'unknown'}, ${facts.appendOnly ? 'append-only file' : 'no append-only file: the ledger fills it again'}`,
    );
  } catch (error) {
    notes.fault(
      at,
      `cannot be reached (${reasonOf(error)})`,
      'start it, and look at host, port, account and password in REDIS_URL',
    );
  }
}

export async function examineKafka(config: Config, notes: Notes, timeoutMs: number): Promise<void> {
  const { kafka } = config;
  if (kafka === null) return;
  const at = 'Kafka';
  const specs = topicSpecs(config.partitions);
  try {
    const facts = await within(
      3 * timeoutMs,
      readKafkaFacts(
        { brokers: kafka.brokers, ssl: kafka.ssl, ...(kafka.sasl === null ? {} : { sasl: kafka.sasl }) },
        specs.map((spec) => spec.topic),
        timeoutMs,
      ),
    );
    if (facts.version === 'before 3.1')
      notes.fault(at, `its protocol is one of ${facts.version}`, 'move to Kafka 4');
    for (const spec of specs) judgeTopic(spec, facts.topics.get(spec.topic), facts.brokers, config, notes);
    if (config.env === 'production') {
      if (facts.brokers < 3)
        notes.note(
          at,
          `${facts.brokers} broker${facts.brokers > 1 ? 's' : ''}: what it acknowledged lies on ${facts.brokers} disk${facts.brokers > 1 ? 's' : ''}`,
          'run three, each topic with three replicas',
        );
      if (!kafka.ssl)
        notes.note(
          at,
          'the connection is not encrypted',
          'set KAFKA_SSL=true, unless nobody else is on that network',
        );
      if (kafka.sasl === null)
        notes.note(
          at,
          'is used without an account',
          'set KAFKA_SASL_MECHANISM, …_USERNAME and …_PASSWORD, and ACLs for it',
        );
    }
    notes.well(
      at,
      `Kafka ${facts.version}, ${facts.brokers} broker${facts.brokers === 1 ? '' : 's'}, ${facts.topics.size} of ${specs.length} topics; it tells no time, so its clock is not compared`,
    );
  } catch (error) {
    notes.fault(
      at,
      `cannot be reached (${reasonOf(error)})`,
      'start it, and look at KAFKA_BROKERS and what its advertised.listeners name',
    );
  }
}
