// biome-ignore-all lint/style/noDefaultExport: the package has one
/** What broker/kafka-abandon.ts touches of kafkajs 2.2.4's runner, which it does not export. */
declare module 'kafkajs/src/consumer/runner.js' {
  type ConsumerGroup = { leave(): Promise<void>; readonly cluster: { disconnect(): Promise<void> } };
  type Runner = {
    running: boolean;
    readonly consumerGroup: ConsumerGroup;
    stop(): Promise<void>;
    scheduleFetchManager(): void;
  };
  const runner: { prototype: Runner };
  export default runner;
}
