import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { isRefusedKey } from './api/failure-text.ts';
import { useSignedIn } from './signed-in.ts';

export interface Polled<Value> {
  /** Null before the first answer. */
  value: Value | null;
  /** Why the last look failed; the value is then the one of before. */
  error: unknown;
  /** Looks now. */
  reload: () => void;
}

export interface PollOptions<Value> {
  /** Whoever asks for something else has another key; the value of before is dropped. */
  key: string;
  /** Until the next look; null where nothing can change any more. */
  seconds: (value: Value | null) => number | null;
}

/** A tab that nobody sees looks so much less often. */
const hiddenFactor = 10;
const longestSeconds = 120;

/** Looks again and again: less often while the tab is hidden or the looks fail, and at once when it is shown again. */
export function usePolled<Value>(
  load: (signal: AbortSignal, before: Value | null) => Promise<Value>,
  options: PollOptions<Value>,
): Polled<Value> {
  const { signOut } = useSignedIn();
  const [state, setState] = useState<{ key: string; value: Value | null; error: unknown }>(() =>
    nothingYet(options.key),
  );
  const latest = useRef({ load, options, signOut });
  latest.current = { load, options, signOut };
  const lookNow = useRef<() => void>(() => undefined);
  const { key } = options;

  useEffect(() => {
    const stop = new AbortController();
    let value: Value | null = null;
    let failures = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isLooking = false;

    const look = async () => {
      clearTimeout(timer);
      if (isLooking) return;
      isLooking = true;
      try {
        const next = await latest.current.load(stop.signal, value);
        const isSame = next === value && failures === 0;
        value = next;
        failures = 0;
        if (!stop.signal.aborted && !isSame) setState({ key, value, error: null });
      } catch (error) {
        if (stop.signal.aborted) return;
        failures += 1;
        if (isRefusedKey(error)) latest.current.signOut(refusedText);
        else setState({ key, value, error });
      } finally {
        isLooking = false;
      }
      wait();
    };
    const wait = () => {
      const seconds = latest.current.options.seconds(value);
      if (stop.signal.aborted || (seconds === null && failures === 0)) return;
      const slower = 2 ** Math.min(failures, 5) * (document.hidden ? hiddenFactor : 1);
      timer = setTimeout(look, Math.min((seconds ?? 5) * slower, longestSeconds) * 1_000);
    };
    const lookWhenShown = () => {
      if (!document.hidden && latest.current.options.seconds(value) !== null) void look();
    };

    lookNow.current = () => void look();
    document.addEventListener('visibilitychange', lookWhenShown);
    addEventListener('online', lookNow.current);
    addEventListener('offline', lookNow.current); // so that it is said at once
    setState((before) => (before.key === key ? before : nothingYet(key)));
    void look();
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', lookWhenShown);
      removeEventListener('online', lookNow.current);
      removeEventListener('offline', lookNow.current);
    };
  }, [key]);

  const reload = useCallback(() => lookNow.current(), []);
  return state.key === key ? { ...state, reload } : { ...nothingYet<Value>(key), reload };
}

const refusedText =
  'The API refuses this key now: it was revoked, or the stack was started afresh. Sign in with another one.';

function nothingYet<Value>(key: string): { key: string; value: Value | null; error: unknown } {
  return { key, value: null, error: null };
}
