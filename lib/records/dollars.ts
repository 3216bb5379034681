/** `$12.30`; below a dollar as many digits as say something. */
export function dollarsText(usd: number): string {
  if (usd >= 1 || usd === 0) return `$${usd.toFixed(2)}`;
  if (usd < 0.000_001) return 'less than $0.000001';
  return `$${Number(usd.toPrecision(2))
    .toFixed(6)
    .replace(/0{1,6}$/, '')}`;
}

/** To the microdollar, where two amounts are compared: `$12.30`, `$0.000315`. */
export function exactDollarsText(usd: number): string {
  return `$${usd.toFixed(6).replace(/0{1,4}$/, '')}`;
}
