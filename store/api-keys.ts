/** Agencies' keys. Only their SHA-256 is kept: a key is 32 random bytes, so there is nothing to guess and no slow hash is needed. */
import type { Sql } from '../domain/sql.ts';

export type ApiKey = {
  readonly agency: string;
  readonly label: string;
  readonly scopes: readonly string[];
  readonly sources: readonly string[];
  /** null never expires. */
  readonly expiresAt: Date | null;
};

/** False where the agency does not exist. */
export async function saveApiKey(sql: Sql, keyHash: Buffer, key: ApiKey): Promise<boolean> {
  const { rowCount } = await sql.query(
    `INSERT INTO api_keys (key_hash, agency_id, label, scopes, sources, expires_at)
     SELECT $1, id, $3, $4::text[], $5::text[], $6 FROM agencies WHERE id = $2`,
    [keyHash, key.agency, key.label, key.scopes, key.sources, key.expiresAt],
  );
  return rowCount === 1;
}

/** A key that was neither revoked nor has expired. */
export async function findApiKey(
  sql: Sql,
  keyHash: Buffer,
  nowMs: number,
): Promise<(ApiKey & { readonly keyHash: Buffer }) | undefined> {
  const { rows } = await sql.query<ApiKey & { keyHash: Buffer }>({
    name: 'find-api-key',
    text: `SELECT key_hash AS "keyHash", agency_id AS agency, label, scopes, sources, expires_at AS "expiresAt" FROM api_keys
      WHERE key_hash = $1 AND agency_id IS NOT NULL AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)`,
    values: [keyHash, new Date(nowMs)],
  });
  return rows[0];
}

/** Revokes by the beginning of the hash (12 hex digits), as the log and the answer to the issue name a key. False where there is none. */
export async function revokeApiKey(sql: Sql, agency: string, prefix: string): Promise<boolean> {
  const { rowCount } = await sql.query(
    `UPDATE api_keys SET revoked_at = now() WHERE agency_id = $1 AND revoked_at IS NULL AND encode(substring(key_hash FROM 1 FOR 6), 'hex') = $2`,
    [agency, prefix],
  );
  return (rowCount ?? 0) > 0;
}
