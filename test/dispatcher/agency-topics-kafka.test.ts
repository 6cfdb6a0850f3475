/** The same on real Kafka, whose client knows no topic that was made after it subscribed. */
import { createKafkaBroker } from '../../broker/kafka.ts';
import { silentLogger } from '../../domain/logger.ts';
import { describeWith, kafkaBrokers } from '../support/services.ts';
import { agencyTopicsOn } from './agency-topics.ts';

describeWith('kafka', "agencies' topics on Kafka", () => {
  agencyTopicsOn(async () => {
    const broker = createKafkaBroker({
      brokers: kafkaBrokers().split(','),
      clientId: 'agency-topics',
      logger: silentLogger,
    });
    await broker.start();
    return { broker, close: () => broker.stop() };
  });
});
