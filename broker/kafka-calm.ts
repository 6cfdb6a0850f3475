/**
 * kafkajs 2.2.4 looks for requests that wait for their turn a thousand times a second on every connection: the timer is armed again when
 * nothing waits, with a time that has passed (Node 24 and later warn of it: TimeoutNegativeWarning), and fires after a millisecond. It looks
 * for requests that are late ten times a second. Measured idle, a process a role: 33 % of a core, most of it these timers.
 * Both are replaced by what their comments promise: a look where something waits, and one a second for what is late. Requests have
 * time-outs of seconds, so nothing is noticed later than it matters.
 */
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

/** As kafkajs: how soon to look again where too many requests are in flight. */
const CHECK_PENDING_MS = 10;
const CHECK_LATE_MS = 1_000;

let calm = false;

/** Before the first connection. Safe to call twice. */
export function calmKafkajs(): void {
  if (calm) return;
  calm = true;
  const queue = RequestQueue.prototype;
  queue.scheduleCheckPendingRequests = function scheduleCheckPendingRequests() {
    if (this.pending.length === 0 || this.throttleCheckTimeoutId) return;
    const throttledMs = this.throttledUntil - Date.now();
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      throttledMs > 0 ? throttledMs : CHECK_PENDING_MS,
    );
  };
  queue.scheduleRequestTimeoutCheck = function scheduleRequestTimeoutCheck() {
    if (!this.enforceRequestTimeout) return;
    this.destroy();
    this.requestTimeoutIntervalId = setInterval(
      () => {
        const now = Date.now();
        for (const request of [...this.inflight.values()])
          if (now - request.sentAt > request.requestTimeout) request.timeoutRequest();
        if (!this.isConnected()) this.destroy();
      },
      Math.min(this.requestTimeout, CHECK_LATE_MS),
    );
  };
}
