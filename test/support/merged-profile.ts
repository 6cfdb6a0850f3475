/** Attributes of a citizen as a PUT would have left them, without the API around it. */
import type { Installation } from './installation.ts';

export async function saveMergedProfile(
  it: Installation,
  citizen: string,
  attributes: object,
): Promise<void> {
  await it.rows(
    `INSERT INTO merged_profiles (citizen_id, attributes, provenance) VALUES ($1, $2, '{}') ON CONFLICT (citizen_id) DO UPDATE SET attributes = excluded.attributes`,
    [citizen, JSON.stringify(attributes)],
  );
}
