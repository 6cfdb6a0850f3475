/**
 * Profiles that this process publishes, as binary records: a broker around a broker, so that producers know of JSON alone. What is no
 * profile of our catalogue goes out as it is, and shards refuse it with its faults.
 */
import type { Broker, NewRecord } from '../broker/broker.ts';
import { AllimError } from '../domain/errors.ts';
import { TOPICS } from '../domain/records.ts';
import type { Fields } from '../rules/catalogue.ts';
import { layoutOf } from '../rules/population/profile.ts';
import { isProfileRecord, ProfileRecords } from '../rules/population/profile-record.ts';

export function withBinaryProfiles(broker: Broker, fields: Fields): Broker {
  const records = new ProfileRecords(layoutOf(fields));

  function binary(record: NewRecord): NewRecord {
    const { value } = record;
    if (value === null || (typeof value !== 'string' && isProfileRecord(value))) return record;
    try {
      return { ...record, value: records.write(JSON.parse(value.toString())) };
    } catch (error) {
      if (error instanceof SyntaxError || (error instanceof AllimError && error.code === 'profile-invalid'))
        return record;
      throw error;
    }
  }

  return {
    ...broker,
    append: (topic, given) => broker.append(topic, topic === TOPICS.profiles ? given.map(binary) : given),
  };
}
