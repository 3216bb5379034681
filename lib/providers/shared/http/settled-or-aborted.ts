/** For what heeds no signal, or only at times: AWS's SDK until an answer begins, and whoever fetches an access token. */
export function settledOrAborted<Result>(answer: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const aborted = Promise.withResolvers<never>();
  const stop = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  return Promise.race([answer, aborted.promise]).finally(() => signal.removeEventListener('abort', stop));
}
