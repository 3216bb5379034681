import { messageOf } from '../records/errors.ts';

/**
 * Writes a request as JSON. A member that is undefined is left out, as the official clients do.
 *
 * @throws TypeError for a value that JSON does not have, and that would arrive as another one: `NaN` as null, a `Map` as `{}`.
 */
export function exactJson(value: unknown): string {
  return JSON.stringify(value, refuseInexact) ?? 'null';
}

function refuseInexact(this: unknown, name: string, value: unknown): unknown {
  const isInexact =
    (typeof value === 'number' && !Number.isFinite(value)) ||
    typeof value === 'bigint' ||
    typeof value === 'function' ||
    typeof value === 'symbol' ||
    (value === undefined && Array.isArray(this)) ||
    (value instanceof Object && !Array.isArray(value) && Object.prototype.toString.call(value) !== '[object Object]');
  return isInexact ? refuse(name, value) : value;
}

function refuse(name: string, value: unknown): never {
  throw new TypeError(`${name === '' ? 'it' : `'${name}'`} is ${shown(value)}, which JSON does not have`);
}

function shown(value: unknown): string {
  if (typeof value === 'bigint') return `the BigInt ${value}n`;
  if (typeof value === 'object' && value !== null) return `a ${value.constructor?.name ?? 'class'}`;
  try {
    return String(value).slice(0, 40);
  } catch (error) {
    return messageOf(error);
  }
}
