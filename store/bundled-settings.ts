/** postgresql.conf of the bundled server: one small machine, other work beside it, power may fail at any time. */

export type ServerSettings = {
  readonly socketDir: string | null;
  /** Loopback port; only where Unix sockets do not serve (Windows). */
  readonly port: number;
  readonly hasLz4: boolean;
  /** Free bytes on the data's disk: the log may take a tenth of them. */
  readonly freeBytes: number;
};

const MIB = 1_048_576;

/**
 * A fan-out of a million notices writes about a gigabyte of log. After each checkpoint the first touch of every page writes the whole
 * page again, so few checkpoints mean markedly less log; hence 4 GB, and less where the disk is small.
 */
export function maxWalMb(freeBytes: number): number {
  return Math.round(Math.min(4096, Math.max(256, freeBytes / 10 / MIB)));
}

export function renderSettings(settings: ServerSettings): string {
  const quote = (value: string) => `'${value.replaceAll("'", "''")}'`;
  const lines: readonly (readonly [name: string, value: string | number])[] = [
    ['listen_addresses', settings.socketDir === null ? quote('127.0.0.1') : quote('')],
    ['port', settings.port],
    ['unix_socket_directories', quote(settings.socketDir ?? '')],
    ['unix_socket_permissions', '0700'],
    ['max_connections', 100],

    // Memory: the whole of Allim in one process with this server has to stay below 450 MB.
    ['shared_buffers', quote('128MB')],
    ['huge_pages', 'off'],
    ['work_mem', quote('8MB')],
    ['maintenance_work_mem', quote('64MB')],
    ['effective_cache_size', quote('1GB')],
    // Plans of short statements never win from compilation, and its memory stays with the backend.
    ['jit', 'off'],
    // Parallel plans would take processes and /dev/shm (64 MB in a container) from the work beside it.
    ['max_parallel_workers_per_gather', 0],

    // Durability: an acknowledged event survives a power cut.
    ['fsync', 'on'],
    ['full_page_writes', 'on'],
    ['synchronous_commit', 'on'],
    ['wal_compression', settings.hasLz4 ? 'lz4' : 'on'],
    ['wal_buffers', quote('4MB')],
    ['min_wal_size', quote('256MB')],
    ['max_wal_size', quote(`${maxWalMb(settings.freeBytes)}MB`)],
    ['checkpoint_timeout', quote('15min')],
    ['checkpoint_completion_target', 0.9],

    // Reads are mostly cached: two I/O workers suffice; a random page costs little more than a sequential one on flash.
    ['io_method', 'worker'],
    ['io_workers', 2],
    ['random_page_cost', 1.1],

    // The small queue tables (waiting, batches) turn over wholly in seconds: look often, and do not let the cost limit stretch a pass
    // over minutes. How much of a table must have changed is left as the server has it: the ledger's plans are fixed, and looking at
    // big tables after every twentieth row took time from what filled them.
    ['autovacuum_max_workers', 2],
    ['autovacuum_naptime', quote('10s')],
    ['autovacuum_vacuum_cost_limit', 2000],
    // Of 6,000 rows of a table and not of 30,000: while a table fills it is looked at again and again, and sorting every column of the larger
    // sample took 6 to 15 % of the server's time. What is asked of these tables goes by keys and by days.
    ['default_statistics_target', 20],

    // Month partitions times indexes: a plan over a year locks more than the default 64 a transaction.
    ['max_locks_per_transaction', 256],
    // A client stopped inside a transaction must not hold its locks for ever.
    ['idle_in_transaction_session_timeout', quote('5min')],

    ['timezone', quote('UTC')],
    ['log_timezone', quote('UTC')],
    ['lc_messages', quote('C')],
    // DETAIL lines and parameters hold values of rows: they must not get into a log.
    ['log_error_verbosity', 'terse'],
    ['log_min_error_statement', 'panic'],
    ['log_parameter_max_length_on_error', 0],
    ['log_checkpoints', 'off'],
  ];
  return [
    '# Written by Allim at every start. Put settings of your own into local.conf beside this file.',
    ...lines.map(([name, value]) => `${name} = ${value}`),
    "include_if_exists = 'local.conf'",
    '',
  ].join('\n');
}
