/**
 * `npm run allim -- catalogue`: brings the agencies, event types, templates and rules that ship as files into the ledger, checked, approved
 * and published, after the migrations. The same files again change nothing. An installation that writes its own needs none of it.
 */
import { migrate } from '../../store/migrate.ts';
import { createPool } from '../../store/postgres.ts';
import { loadConfig } from '../config.ts';
import { createLogger } from '../context.ts';
import { seedCatalogue } from '../seed.ts';
import type { Command } from './commands.ts';

export const catalogue: Command = {
  does: 'brings the event types, templates and rules that ship into the ledger',
  async run() {
    const config = loadConfig(process.env);
    if (config.databaseUrl === null) {
      process.stderr.write(
        'allim: the embedded installation has its catalogue from npm start; set DATABASE_URL\n',
      );
      return 1;
    }
    const logger = createLogger(config);
    const pool = createPool({ url: config.databaseUrl, max: 2, applicationName: 'allim-catalogue', logger });
    try {
      await migrate(pool, { logger });
      await seedCatalogue(pool, logger);
    } finally {
      await pool.end();
    }
    process.stdout.write('the catalogue that ships is in the ledger\n');
    return 0;
  },
};
