/**
 * `npm run allim -- doctor [--json]`: looks at every setting and every service and says what is missing or unsafe and what mends it. It
 * changes nothing and starts nothing, and looks at what is right also where something else is wrong. Exit code 1 where there is a fault.
 */
import { parseArgs } from 'node:util';
import { type Config, inspectConfig } from '../config.ts';
import { type Examination, Notes } from '../doctor/finding.ts';
import { examineDisk, examineProviders, examineSecretFiles } from '../doctor/machine.ts';
import { examineKafka, examinePostgres, examineRedis } from '../doctor/services.ts';
import { Environment } from '../environment.ts';
import { settingFiles } from '../given.ts';
import type { Command } from './commands.ts';

const OLDEST_NODE = 26;

/** `timeoutMs` bounds each question to a service. */
export async function examine(
  environment: Readonly<Record<string, string | undefined>>,
  timeoutMs = 5_000,
): Promise<Examination> {
  const notes = new Notes();
  const names = Object.keys(Environment.properties);
  const { config, problems } = inspectConfig(environment);
  for (const { pointer, message } of problems) {
    const name = pointer.slice(1);
    notes.fault(
      name,
      message.startsWith(`${name} `) ? message.slice(name.length + 1) : message,
      mendOf(name),
    );
  }
  // Likely a slip of the pen: a setting of ours by its beginning, which nobody reads.
  for (const name of Object.keys(environment))
    if (
      /^(ALLIM|KAFKA|SMTP|SMS|VAPID|OIDC)_/.test(name) &&
      !names.includes(name.replace(/_FILE$/, '')) &&
      !name.startsWith('ALLIM_TEST_')
    )
      notes.note(
        name,
        'is no setting of ours',
        'see how it is written in docs/operations.md, or take it away',
      );
  if (config.env === 'production') examineProduction(config, notes);
  if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE)
    notes.fault(
      'Node',
      `version ${process.versions.node} is too old`,
      'start through npm run allim, which takes the pinned one',
    );
  await Promise.all([
    config.databaseUrl === null ? undefined : examinePostgres(config.databaseUrl, config, notes, timeoutMs),
    config.redisUrl === null ? undefined : examineRedis(config.redisUrl, config, notes, timeoutMs),
    examineKafka(config, notes, timeoutMs),
    examineDisk(config, notes),
    examineSecretFiles(config, settingFiles(environment, names), notes),
    examineProviders(config, notes, timeoutMs),
  ]);
  const byPlace = <T extends { readonly at: string }>(items: readonly T[]) =>
    items.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return { findings: byPlace(notes.findings), seen: byPlace(notes.seen) };
}

function mendOf(pointed: string): string {
  const name = pointed.replace(/_FILE$/, '');
  const { description } = (Environment.properties as Record<string, { description?: string }>)[name] ?? {};
  const drawn = /_(TOKEN|KEY)$/.test(name) && !name.startsWith('VAPID_');
  const how = drawn ? ': openssl rand -base64 32 draws one' : '';
  return pointed === name
    ? `set ${name} to ${description ?? 'what docs/operations.md says'}${how}`
    : `let ${pointed} alone name a file that this process may read, with ${description ?? 'the value'} in it`;
}

/** What production takes and a person should not leave so. */
function examineProduction(config: Config, notes: Notes): void {
  if (!config.seal)
    notes.fault(
      'ALLIM_SEAL',
      'is off: profiles lie in clear in the log',
      'set ALLIM_SEAL=on, or leave it out',
    );
  const named = {
    PUBLIC_URL: config.publicUrl,
    SMTP_FROM: config.smtp?.from,
    VAPID_SUBJECT: config.vapid?.subject,
  };
  for (const [name, value] of Object.entries(named))
    if (/[@/.]example\.[a-z.]+(\/|$)/.test(value ?? ''))
      notes.fault(name, `is ${value}, as the example has it`, 'set it to a name of your own');
  if (config.trustedProxies.length === 0)
    notes.note(
      'ALLIM_TRUSTED_PROXIES',
      'is not set: behind a proxy all callers count as one, and one who guesses shuts all out',
      'set it to the addresses of the proxies in front',
    );
}

export const doctor: Command = {
  does: 'says what is missing or unsafe, and what mends it; --json',
  async run(argv) {
    const { values } = parseArgs({ args: [...argv], options: { json: { type: 'boolean', default: false } } });
    const { findings, seen } = await examine(process.env);
    const faults = findings.filter((finding) => finding.level === 'fault').length;
    if (values.json) process.stdout.write(`${JSON.stringify({ ok: faults === 0, findings, seen })}\n`);
    else {
      for (const { at, says } of seen) process.stdout.write(`ok     ${at}: ${says}\n`);
      for (const { level, at, says, mend } of findings)
        process.stdout.write(`${level.padEnd(6)} ${at}: ${says}\n       mend: ${mend}\n`);
      process.stdout.write(faults === 0 ? 'nothing is wrong\n' : `${faults} to mend\n`);
    }
    return faults === 0 ? 0 : 1;
  },
};
