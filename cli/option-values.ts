import { InvalidArgumentError } from 'commander';

export function parsePositive(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('It is a number above 0.');
}

export function parseWhole(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a whole number.');
}

const secondsOfUnit: Record<string, number> = { '': 1, s: 1, m: 60, min: 60, h: 3_600, d: 86_400 };

/** @returns seconds: `90`, `90s`, `15m`, `2h`, `1d`. */
export function parseDuration(text: string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([a-z]*)$/.exec(text) ?? [];
  const factor = Object.hasOwn(secondsOfUnit, unit) ? secondsOfUnit[unit] : undefined;
  if (amount !== undefined && factor !== undefined) return Number(amount) * factor;
  throw new InvalidArgumentError('It is a duration such as 90s, 15m, 2h or 1d.');
}

/** Collects `--metadata team=search --metadata run=7`. */
export function parseMetadata(text: string, earlier: Record<string, string> = {}): Record<string, string> {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('It is key=value.');
  return { ...earlier, [text.slice(0, equals)]: text.slice(equals + 1) };
}
