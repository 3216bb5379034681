import type { TimeUnit } from './parquet-type.ts';

/** Digits of a second's fraction, and how many of the unit a second has. */
const digitsOf: Readonly<Record<TimeUnit, number>> = { MILLIS: 3, MICROS: 6, NANOS: 9 };
const perSecond: Readonly<Record<TimeUnit, bigint>> = { MILLIS: 1_000n, MICROS: 1_000_000n, NANOS: 1_000_000_000n };

const secondsPerDay = 86_400n;

/** @param days since 1970-01-01, by the proleptic Gregorian calendar. @returns `2026-11-30`; a year that has not four digits has a sign and six. */
export function dateText(days: number): string {
  // Source: https://howardhinnant.github.io/date_algorithms.html#civil_from_days
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return `${yearText(year)}-${padded(month, 2)}-${padded(day, 2)}`;
}

/** @returns `12:34:56`, with a fraction of the unit's digits where it is not zero, and a `Z` in UTC. */
export function timeText(value: bigint, unit: TimeUnit, utc: boolean): string {
  const seconds = value / perSecond[unit];
  const fraction = value % perSecond[unit];
  const clock = [seconds / 3_600n, (seconds / 60n) % 60n, seconds % 60n].map((part) => padded(part, 2)).join(':');
  return `${clock}${fraction === 0n ? '' : `.${padded(fraction, digitsOf[unit])}`}${utc ? 'Z' : ''}`;
}

/** @param value since 1970-01-01 at midnight. @returns `2026-11-30T12:34:56.5`, with a `Z` in UTC. */
export function timestampText(value: bigint, unit: TimeUnit, utc: boolean): string {
  const perDay = secondsPerDay * perSecond[unit];
  const within = ((value % perDay) + perDay) % perDay;
  return `${dateText(Number((value - within) / perDay))}T${timeText(within, unit, utc)}`;
}

const datePattern = /^([+-]?\d{4,})-(\d\d)-(\d\d)$/;
const timePattern = /^(\d{2,}):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z?$/;

/** @returns days since 1970-01-01; null for what `dateText` did not write. */
export function daysIn(text: string): number | null {
  const [, years, months, days] = datePattern.exec(text) ?? [];
  if (days === undefined) return null;
  const month = Number(months);
  // Source: https://howardhinnant.github.io/date_algorithms.html#days_from_civil
  const year = Number(years) - (month <= 2 ? 1 : 0);
  const era = Math.floor(year / 400);
  const yearOfEra = year - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + Number(days) - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** @returns the time of the day in the unit; null for what `timeText` did not write. */
export function timeIn(text: string, unit: TimeUnit): bigint | null {
  const [, hours, minutes, seconds, fraction = ''] = timePattern.exec(text) ?? [];
  if (hours === undefined || minutes === undefined || seconds === undefined) return null;
  const whole = BigInt(hours) * 3_600n + BigInt(minutes) * 60n + BigInt(seconds);
  return whole * perSecond[unit] + BigInt(fraction.padEnd(digitsOf[unit], '0').slice(0, digitsOf[unit]));
}

/** @returns the time since 1970-01-01 in the unit; null for what `timestampText` did not write. */
export function timestampIn(text: string, unit: TimeUnit): bigint | null {
  const [date = '', time = ''] = text.split('T', 2);
  const days = daysIn(date);
  const within = timeIn(time, unit);
  return days === null || within === null ? null : BigInt(days) * secondsPerDay * perSecond[unit] + within;
}

function yearText(year: number): string {
  if (year >= 0 && year <= 9_999) return padded(year, 4);
  return `${year < 0 ? '-' : '+'}${padded(Math.abs(year), 6)}`;
}

function padded(value: number | bigint, digits: number): string {
  return String(value).padStart(digits, '0');
}
