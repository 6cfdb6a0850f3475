/** A TCP proxy between the product and a server, which can be made to misbehave. */
export interface FaultyProxy {
  readonly port: number;
  /** Where it leads; may be changed while it runs, for connections made from then on. */
  target(port: number): void;
  /** Breaks all connections (RST) and each new one as soon as it is made. */
  cut(): void;
  /** Nothing passes in that direction any more, connections stay open: half-open. `both` is a network that went away. */
  silence(direction: 'to-server' | 'to-client' | 'both'): void;
  /** Half-open: the server loses every connection there is, and the clients are never told. New ones pass. */
  forget(): void;
  /** Breaks the connection after it has passed the next chunk to the server that `matches`, before any answer passes: was it done? */
  cutAfter(matches: (chunk: Buffer) => boolean, times?: number): void;
  /** The same, and the chunk does not arrive: the client sees no difference. */
  cutBefore(matches: (chunk: Buffer) => boolean, times?: number): void;
  /** Each chunk passes `ms` later, at most `bytesPerSecond`. */
  slow(ms: number, bytesPerSecond?: number): void;
  /** As a wire again. */
  mend(): void;
  close(): Promise<void>;
}
