import { isObject } from '../records/json.ts';
import type { Column } from './row.ts';

type ColumnType = Column['type'];

/** The type of a column of JSON rows, as far as its values show it. */
export function widened(known: ColumnType, value: unknown): ColumnType {
  const own = typeOfValue(value);
  if (own === 'unknown' || own === known) return known;
  if (known === 'unknown') return own;
  const both = new Set([known, own]);
  if (both.has('integer') && both.has('number')) return 'number';
  return both.has('integer') && both.has('long') ? 'long' : 'json';
}

function typeOfValue(value: unknown): ColumnType {
  if (value === null || value === undefined) return 'unknown';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'integer' : 'number';
  return isObject(value) || Array.isArray(value) ? 'json' : spelledType(JSON.stringify(value));
}

/** A number that JavaScript would spell otherwise: whole ones of 64 bits have a type, others keep their spelling as JSON. */
function spelledType(spelling: string): ColumnType {
  if (!/^-?\d{1,19}$/.test(spelling) || spelling === '-0') return 'json';
  const integer = BigInt(spelling);
  return BigInt.asIntN(64, integer) === integer ? 'long' : 'json';
}
