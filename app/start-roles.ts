/** Starts roles in order and stops them in reverse, and with them the HTTP server of those that have one. */
import { messageOf } from '../domain/errors.ts';
import type { Context } from './context.ts';
import { createHttp, type Http, type MountPages, servesApi } from './http.ts';
import { createRoles, createShards, type Role, type RunningRole } from './roles.ts';

export type Running = {
  readonly roles: readonly RunningRole[];
  /** Where HTTP is served; null for roles that answer nobody and were given no port for their health. */
  readonly url: string | null;
  stop(): Promise<void>;
};

export async function startRoles(
  context: Context,
  names: readonly Role[],
  pages?: MountPages,
): Promise<Running> {
  const started: RunningRole[] = [];
  let http: Http | undefined;
  let url: string | null = null;
  // The demonstration's mails are read on this machine; anybody else's could not follow a loopback address.
  const ownUrl = () => (pages === undefined ? null : url);
  const roles = createRoles(context, names, createShards(context), ownUrl);
  const stop = async () => {
    await http?.stop();
    http = undefined;
    for (const role of started.splice(0).toReversed()) await role.stop();
  };
  try {
    for (const role of roles) {
      // Before it starts: one that fails half-way has something to stop.
      started.push(role);
      await role.start();
    }
    if (servesApi(names) || context.config.portGiven) {
      http = createHttp(context, names, roles, pages);
      await http.start();
      url = http.url();
    }
  } catch (error) {
    await stop().catch((also: unknown) =>
      context.logger.warn({ err: messageOf(also) }, 'not every role that had started could be stopped'),
    );
    throw error;
  }
  return { roles, url, stop };
}
