/** Numbers as the browser's language writes them. */

const integers = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumSignificantDigits: 3 });
const percents = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 0 });
const percentsBelowOne = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 2 });
const dollars = new Intl.NumberFormat(undefined, {
  style: 'currency',
  currency: 'USD',
  currencyDisplay: 'narrowSymbol',
});
const cents = new Intl.NumberFormat(undefined, {
  style: 'currency',
  currency: 'USD',
  currencyDisplay: 'narrowSymbol',
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
  maximumSignificantDigits: 2,
  roundingPriority: 'morePrecision',
});

export function countText(count: number): string {
  return integers.format(count);
}

/** `1.23M`, where a column has no room for all digits. */
export function compactText(count: number): string {
  return count < 10_000 ? integers.format(count) : compact.format(count);
}

/** `1 request`, `1,200 requests`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${countText(count)} ${count === 1 ? noun : plural}`;
}

/** Never 100% before all of it is there, and never 0% once there is some. */
export function percentText(part: number, whole: number): string {
  if (whole === 0) return '';
  const share = part / whole;
  if (share > 0 && share < 0.01) return percentsBelowOne.format(Math.max(share, 0.000_1));
  return percents.format(share < 1 ? Math.min(share, 0.99) : 1);
}

/** In cents; below ten cents with as many digits as say something. */
export function dollarsText(usd: number): string {
  if (usd === 0 || usd >= 0.1) return dollars.format(usd);
  return usd < 0.000_001 ? `< ${cents.format(0.000_001)}` : cents.format(usd);
}

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** `4.2 MB`; a kB is 1,000 bytes. */
export function bytesText(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), byteUnits.length - 1);
  const value = bytes / 1_000 ** power;
  const digits = power === 0 || value >= 100 ? 0 : 1;
  return `${value.toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${byteUnits[power]}`;
}
