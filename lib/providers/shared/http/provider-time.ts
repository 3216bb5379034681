/** `T` or a space between day and time, and nothing that says how far from UTC. */
const withoutOffset = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)$/;

/**
 * Reads a provider's time. One without an offset is UTC, wherever we run: `Date.parse` takes it for our own local time.
 *
 * @returns unix milliseconds, or NaN.
 */
export function timeMs(time: string | null | undefined): number {
  if (!time) return Number.NaN;
  const [, day, clock] = withoutOffset.exec(time.trim()) ?? [];
  return Date.parse(day === undefined ? time : `${day}T${clock}Z`);
}

/** @returns unix seconds, or null. */
export function timeSeconds(time: string | null | undefined): number | null {
  const milliseconds = timeMs(time);
  return Number.isNaN(milliseconds) ? null : Math.floor(milliseconds / 1000);
}
