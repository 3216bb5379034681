/**
 * A fetch that says when the connection is lost and when it is back. While the browser knows that it has none, a call waits for it
 * in place of failing.
 */
export function patientFetch(
  setLost: (isLost: boolean) => void,
  send: typeof fetch = (...call) => fetch(...call),
): typeof fetch {
  return async (target, init) => {
    if (!navigator.onLine) {
      setLost(true);
      await untilOnline(init?.signal ?? null);
    }
    try {
      const response = await send(target, init);
      setLost(false);
      return response;
    } catch (error) {
      if (!init?.signal?.aborted) setLost(true);
      throw error;
    }
  };
}

/** @throws the signal's reason, as soon as it is aborted. */
async function untilOnline(signal: AbortSignal | null): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const giveUp = () => reject(signal?.reason);
  addEventListener('online', () => resolve(), { once: true });
  signal?.addEventListener('abort', giveUp, { once: true });
  await promise;
}
