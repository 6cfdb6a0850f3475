/** What `npm run allim --` does besides running roles: a name, a line that says what for, and the file beside this one that does it. */
import { agencyCommand } from './agency.ts';
import { auditCommand } from './audit.ts';
import { cancelCommand } from './cancel.ts';
import { catalogue } from './catalogue.ts';
import { deadLettersCommand } from './dead-letters.ts';
import { doctor } from './doctor.ts';
import { monthsCommand } from './months.ts';
import { positions } from './positions.ts';
import { quarantineCommand } from './quarantine.ts';
import { restoreCommand } from './restore.ts';
import { rulesCommand } from './rules.ts';
import { secrets } from './secrets.ts';
import { resumeCommand, stopCommand } from './stop.ts';
import { topics } from './topics.ts';

export type Command = {
  /** One line for the list of commands. */
  readonly does: string;
  /** Takes what follows the name; answers the exit code: 0 done, 1 not done, 2 a wrong command line. */
  run(argv: readonly string[]): Promise<number>;
};

export const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['agency', agencyCommand],
  ['audit', auditCommand],
  ['cancel', cancelCommand],
  ['restore', restoreCommand],
  ['resume', resumeCommand],
  ['stop', stopCommand],
  ['catalogue', catalogue],
  ['doctor', doctor],
  ['secrets', secrets],
  ['topics', topics],
  ['months', monthsCommand],
  ['quarantine', quarantineCommand],
  ['positions', positions],
  ['rules', rulesCommand],
  ['dead-letters', deadLettersCommand],
]);
