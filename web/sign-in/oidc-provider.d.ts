/** What web/sign-in/bundled-provider.ts uses of oidc-provider 9, which brings no types. */
declare module 'oidc-provider/lib/provider.js' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  export type Context = {
    readonly req: IncomingMessage;
    readonly oidc: { readonly params?: Readonly<Record<string, string | undefined>> };
    type: string;
    body: unknown;
  };
  export type Interaction = {
    readonly uid: string;
    readonly prompt: { readonly name: string };
    readonly params: Readonly<Record<string, string | undefined>>;
    readonly session?: { readonly accountId?: string; readonly uid?: string };
  };
  type Stored = Record<string, unknown> & { persist(): Promise<unknown>; save(): Promise<string> };
  type Grant = { addOIDCScope(scope: string): void; save(): Promise<string> };
  export type GrantContext = {
    readonly oidc: {
      readonly client: { readonly clientId: string };
      readonly session: { readonly accountId: string };
    };
  };
  export class Provider {
    constructor(issuer: string, configuration: object);
    proxy: boolean;
    readonly Grant: new (of: {
      readonly accountId: string;
      readonly clientId: string;
    }) => Grant;
    readonly Session: { findByUid(uid: string): Promise<Stored | undefined> };
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
    interactionResult(request: IncomingMessage, response: ServerResponse, result: object): Promise<string>;
    on(event: 'server_error', listener: (context: Context, error: unknown) => void): this;
  }
}
