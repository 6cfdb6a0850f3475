-- Where months go that are over (store/months.ts), until they are written to files and dropped.
CREATE SCHEMA IF NOT EXISTS archive;
