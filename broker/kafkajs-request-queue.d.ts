/** What broker/kafka-calm.ts replaces in kafkajs 2.2.4, which has no types for it. */
declare module 'kafkajs/src/network/requestQueue/index.js' {
  type Request = { readonly sentAt: number; readonly requestTimeout: number; timeoutRequest(): void };

  class RequestQueue {
    readonly enforceRequestTimeout: boolean;
    readonly requestTimeout: number;
    readonly inflight: ReadonlyMap<number, Request>;
    readonly pending: readonly unknown[];
    /** Milliseconds since the epoch; -1 where nothing throttles. */
    readonly throttledUntil: number;
    throttleCheckTimeoutId: NodeJS.Timeout | null;
    requestTimeoutIntervalId: NodeJS.Timeout;
    isConnected(): boolean;
    checkPendingRequests(): void;
    scheduleCheckPendingRequests(): void;
    scheduleRequestTimeoutCheck(): void;
    destroy(): void;
  }

  // biome-ignore lint/style/noDefaultExport: so the package exports it
  export { RequestQueue as default };
}
