/** Times in the browser's own zone, which is said where a time stands whole. */

const whole = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
});
const short = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
});
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** With date, seconds and zone. */
export function timeText(seconds: number): string {
  return whole.format(seconds * 1_000);
}

export function shortTimeText(seconds: number): string {
  return short.format(seconds * 1_000);
}

export function clockText(seconds: number): string {
  return clock.format(seconds * 1_000);
}

export function nowSeconds(): number {
  return Date.now() / 1_000;
}

/** `7 s`, `12 min 30 s`, `3 h 5 min`, `2 d 4 h`. */
export function durationText(seconds: number): string {
  const rounded = Math.max(0, Math.round(seconds));
  if (rounded < 60) return `${rounded} s`;
  if (rounded < 3_600) return joined(Math.floor(rounded / 60), 'min', rounded % 60, 's');
  if (rounded < 86_400) return joined(Math.floor(rounded / 3_600), 'h', Math.floor(rounded / 60) % 60, 'min');
  return joined(Math.floor(rounded / 86_400), 'd', Math.floor(rounded / 3_600) % 24, 'h');
}

/** In its largest unit: `7 s`, `12 min`, `3 h`, `2 d`. */
export function ageText(seconds: number): string {
  const rounded = Math.max(0, Math.round(seconds));
  if (rounded < 60) return `${rounded} s`;
  if (rounded < 3_600) return `${Math.floor(rounded / 60)} min`;
  return rounded < 86_400 ? `${Math.floor(rounded / 3_600)} h` : `${Math.floor(rounded / 86_400)} d`;
}

function joined(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** A day such as `2026-11-21`, as the API takes and gives it: in UTC. */
export function utcDay(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().slice(0, 10);
}
