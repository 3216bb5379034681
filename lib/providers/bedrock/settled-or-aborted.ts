/** The SDK heeds its signal until an answer begins, and then waits for the rest as long as it takes. */
export function settledOrAborted<Result>(answer: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const aborted = Promise.withResolvers<never>();
  const stop = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  return Promise.race([answer, aborted.promise]).finally(() => signal.removeEventListener('abort', stop));
}
