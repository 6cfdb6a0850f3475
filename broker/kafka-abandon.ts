/**
 * kafkajs 2.2.4 cannot stop a consumer that is still joining: `disconnect` returns at once, and when the brokers answer, the abandoned consumer
 * joins all the same, sends its heartbeats for ever and holds partitions that nobody works on (found by a broker that was away for ten
 * seconds: half of the partitions stood still for good). So a runner that was told to stop remembers it, and leaves as soon as it has joined.
 */
import Runner from 'kafkajs/src/consumer/runner.js';

const told = new WeakSet<object>();
let patched = false;

/** Before the first consumer. Safe to call twice. */
export function leaveWhenAbandoned(): void {
  if (patched) return;
  patched = true;
  const { prototype } = Runner;
  const { stop, scheduleFetchManager } = prototype;
  prototype.stop = async function stopAlsoWhileJoining() {
    told.add(this);
    await stop.call(this);
  };
  prototype.scheduleFetchManager = function fetchUnlessAbandoned() {
    if (!told.has(this) || !this.running) return scheduleFetchManager.call(this);
    this.running = false;
    const { consumerGroup } = this;
    // Where leaving fails, the session runs out without a heartbeat.
    void consumerGroup
      .leave()
      .catch(() => {})
      .then(() => consumerGroup.cluster.disconnect())
      .catch(() => {});
  };
}
