import { useEffect, useState } from 'preact/hooks';
import { nowSeconds } from './format/times.ts';

/** The time in unix seconds, so that ages grow while one looks. */
export function useNow(everySeconds: number): number {
  const [now, setNow] = useState(nowSeconds);
  useEffect(() => {
    const timer = setInterval(() => setNow(nowSeconds()), everySeconds * 1_000);
    return () => clearInterval(timer);
  }, [everySeconds]);
  return now;
}
