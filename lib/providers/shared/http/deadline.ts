/**
 * Runs a call that ends with the caller's signal or after a time, the reading of its answer included: the SDKs' own
 * timeouts end with the headers, and their retries may sleep as long as a Retry-After says.
 */
export async function withDeadline<Result>(
  signal: AbortSignal,
  seconds: number,
  call: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), seconds * 1000);
  try {
    return await call(AbortSignal.any([signal, deadline.signal]));
  } catch (error) {
    if (!deadline.signal.aborted || signal.aborted) throw error;
    throw new Error(`no answer within ${seconds} s`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
