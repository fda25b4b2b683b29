/** The wish to stop, from wherever it comes: a signal, or the end of the process that started us. */

export interface Shutdown {
  readonly signal: AbortSignal;
  /** The reason, once it has come. */
  readonly requested: Promise<string>;
}

/** Signals after the first change nothing: an impatient second Ctrl-C must not leave half a stack. */
export function awaitShutdown(): Shutdown {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<string>();
  const request = (reason: string) => {
    resolve(reason);
    controller.abort(new Error(`stopped by ${reason} before it was ready`));
  };
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => request(name));
  process.once('disconnect', () => request('the end of the process that started this one'));
  process.stdout.on('error', () => undefined); // Nobody reads the line; that is no reason to fail.
  return { signal: controller.signal, requested: promise };
}
