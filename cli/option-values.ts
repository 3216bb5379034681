import { InvalidArgumentError } from 'commander';
import { type Endpoint, endpointOf, endpoints } from '../lib/records/endpoints.ts';

export function parsePositive(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('It is a number above 0.');
}

export function parseWhole(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a whole number.');
}

/** A count of which 0 is none. */
export function parseCount(text: string): number {
  const count = parseWhole(text);
  if (count > 0) return count;
  throw new InvalidArgumentError('It is a whole number above 0.');
}

/** @returns unix seconds: of a date such as 2026-11-30 or 2026-11-30T12:00Z, or of so long ago as a duration says. */
export function parseSince(text: string): number {
  const time = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2})?)?$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? Date.now() / 1_000 - parseDuration(text) : time / 1_000;
}

export function parseEndpoint(text: string): Endpoint {
  const endpoint = endpointOf(text);
  if (endpoint !== null) return endpoint;
  throw new InvalidArgumentError(`It is one of ${endpoints.join(', ')}.`);
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

/** `\\t` is a tab, which shells make hard to type. */
export function parseDelimiter(text: string): string {
  const delimiter = text === '\\t' ? '\t' : text;
  if (delimiter.length === 1) return delimiter;
  throw new InvalidArgumentError('It is one character, or \\t for a tab.');
}

export function parseNames(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name) => name !== '')) return names;
  throw new InvalidArgumentError('It is a list of names with commas between them, such as id,review.');
}
