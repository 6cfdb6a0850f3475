/** The part of npm `smpp` that is used here and in test/sinks. */
declare module 'smpp' {
  import type { EventEmitter } from 'node:events';
  import type { Server as NetServer, Socket } from 'node:net';

  export type Pdu = {
    readonly command: string;
    readonly command_status: number;
    readonly sequence_number: number;
    readonly message_id?: string;
    readonly system_id?: string;
    readonly password?: string;
    readonly source_addr?: string;
    readonly source_addr_ton?: number;
    readonly destination_addr?: string;
    readonly esm_class?: number;
    readonly registered_delivery?: number;
    readonly receipted_message_id?: string;
    readonly message_state?: number;
    readonly data_coding?: number;
    readonly short_message?: { readonly message: string | Buffer };
    readonly message_payload?: { readonly message: string | Buffer };
    isResponse(): boolean;
    response(options?: Readonly<Record<string, unknown>>): Pdu;
  };
  export const PDU: new (command: string, options?: Readonly<Record<string, unknown>>) => Pdu;

  export interface Session extends EventEmitter {
    readonly socket: Socket;
    on(event: 'pdu', listener: (pdu: Pdu) => void): this;
    on(event: 'connect' | 'secureConnect' | 'close', listener: () => void): this;
    on(event: 'error', listener: (error: Error) => void): this;
    /** False where the socket can no longer be written to. */
    send(pdu: Pdu, answered?: (answer: Pdu) => void, written?: () => void): boolean;
    close(done?: () => void): void;
    destroy(done?: () => void): void;
  }
  const smpp: {
    connect(options: { host: string; port: number; tls?: boolean }): Session;
    createServer(listener: (session: Session) => void): NetServer;
    PDU: typeof PDU;
    errors: Readonly<Record<string, number>>;
  };
  // biome-ignore lint/style/noDefaultExport: the package is CommonJS
  export default smpp;
}
