/** The other end of bench/processes.ts: a process that does what it is told over Node's IPC, one thing after the other. */

/** Says that it is ready, then answers each message with what `handle` tells; ends after `exit`, and with whoever drives it. */
export async function driven<Message extends { readonly do: string }>(
  handle: (message: Message) => Promise<unknown>,
): Promise<void> {
  const send = (answer: object) =>
    new Promise<void>((resolve) => {
      process.send?.(answer, () => resolve());
    });
  let last = Promise.resolve();
  process.on('message', (message: Message) => {
    last = last.then(async () => {
      try {
        await send({ done: message.do, told: await handle(message) });
      } catch (error) {
        await send({ failed: `${message.do}: ${error instanceof Error ? error.stack : String(error)}` });
      }
      if (message.do === 'exit') process.exit(0);
    });
  });
  process.on('disconnect', () => process.exit(1));
  await send({ done: 'ready' });
}
