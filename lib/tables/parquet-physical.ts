import type { SchemaElement } from 'hyparquet';
import { unconvertFloat16 } from 'hyparquet-writer/src/unconvert.js';
import { daysIn, timeIn, timestampIn } from './iso-time.ts';
import type { KeptType } from './parquet-type.ts';
import { cellText } from './row.ts';

type Element = Omit<SchemaElement, 'name'>;

/** How the values of a column lie in the file, without what they mean: the writer then converts none. */
export function physicalElement(type: KeptType): Element {
  switch (type.is) {
    case 'boolean':
      return { type: 'BOOLEAN' };
    case 'integer':
      return { type: type.bits === 64 ? 'INT64' : 'INT32' };
    case 'decimal':
      return { type: type.physical, ...(type.length !== null && { type_length: type.length }) };
    case 'half':
      return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 2 };
    case 'float':
      return { type: 'FLOAT' };
    case 'double':
      return { type: 'DOUBLE' };
    case 'date':
      return { type: 'INT32' };
    case 'time':
      return { type: type.unit === 'MILLIS' ? 'INT32' : 'INT64' };
    case 'timestamp':
      return { type: 'INT64' };
    case 'uuid':
      return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16 };
    case 'binary':
      return type.length === null ? { type: 'BYTE_ARRAY' } : { type: 'FIXED_LEN_BYTE_ARRAY', type_length: type.length };
    case 'text':
      return { type: 'BYTE_ARRAY' };
  }
}

/** What the footer says that the values mean. */
export function declaredElement(type: KeptType): Element {
  return { ...physicalElement(type), ...meaningOf(type) };
}

function meaningOf(type: KeptType): Element {
  switch (type.is) {
    case 'integer':
      if (type.signed && type.bits >= 32) return {};
      // The newer form of it has a width of one byte, which the writer writes as four.
      return { converted_type: `${type.signed ? '' : 'U'}INT_${type.bits}` };
    case 'decimal': {
      const { precision, scale } = type;
      return { converted_type: 'DECIMAL', precision, scale, logical_type: { type: 'DECIMAL', precision, scale } };
    }
    case 'half':
      return { logical_type: { type: 'FLOAT16' } };
    case 'date':
      return { converted_type: 'DATE', logical_type: { type: 'DATE' } };
    case 'time':
    case 'timestamp':
      return timeMeaning(type);
    case 'text':
      return { converted_type: type.as === 'STRING' ? 'UTF8' : type.as, logical_type: { type: type.as } };
    case 'uuid':
      return { logical_type: { type: 'UUID' } };
    case 'boolean':
    case 'float':
    case 'double':
    case 'binary':
      return {};
  }
}

/** The older form of it says that a time is in UTC, and knows no nanoseconds. */
function timeMeaning({ is, unit, utc }: Extract<KeptType, { is: 'time' | 'timestamp' }>): Element {
  const logical = { type: is === 'time' ? 'TIME' : 'TIMESTAMP', unit, isAdjustedToUTC: utc } as const;
  if (!utc || unit === 'NANOS') return { logical_type: logical };
  return { logical_type: logical, converted_type: `${logical.type}_${unit}` };
}

/**
 * The value as the file holds it, of what `jsonOf` made of it.
 *
 * @returns null for null, and for what is not of the type.
 */
export function physicalOf(value: unknown, type: KeptType): unknown {
  if (value === null || value === undefined) return null;
  switch (type.is) {
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'integer': {
      const integer = wholeIn(cellText(value));
      if (integer === null) return null;
      return type.bits === 64 ? BigInt.asIntN(64, integer) : Number(BigInt.asIntN(32, integer));
    }
    case 'decimal': {
      const unscaled = unscaledIn(cellText(value), type.scale);
      return unscaled === null ? null : physicalDecimal(unscaled, type);
    }
    case 'half':
      return unconvertFloat16(Number(cellText(value))) ?? null;
    case 'float':
      return Math.fround(Number(cellText(value)));
    case 'double':
      return Number(cellText(value));
    case 'date':
      return daysIn(cellText(value));
    case 'time': {
      const time = timeIn(cellText(value), type.unit);
      return time !== null && type.unit === 'MILLIS' ? Number(time) : time;
    }
    case 'timestamp':
      return timestampIn(cellText(value), type.unit);
    case 'uuid':
      return Buffer.from(cellText(value).replaceAll('-', ''), 'hex');
    case 'binary':
      return Buffer.from(cellText(value), 'base64');
    case 'text':
      return Buffer.from(cellText(value));
  }
}

function wholeIn(text: string): bigint | null {
  return /^-?\d+$/.test(text) ? BigInt(text) : null;
}

function unscaledIn(text: string, scale: number): bigint | null {
  const [, sign = '', whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === undefined || fraction.length > scale) return null;
  return BigInt(`${sign}${whole}${fraction.padEnd(scale, '0')}`);
}

function physicalDecimal(unscaled: bigint, { physical, length }: Extract<KeptType, { is: 'decimal' }>): unknown {
  switch (physical) {
    case 'INT32':
      return Number(unscaled);
    case 'INT64':
      return unscaled;
    case 'BYTE_ARRAY':
    case 'FIXED_LEN_BYTE_ARRAY':
      return bigEndian(unscaled, length ?? bytesNeeded(unscaled));
  }
}

function bytesNeeded(value: bigint): number {
  let bytes = 1;
  while (BigInt.asIntN(bytes * 8, value) !== value) bytes += 1;
  return bytes;
}

function bigEndian(value: bigint, length: number): Buffer {
  return Buffer.from(
    BigInt.asUintN(length * 8, value)
      .toString(16)
      .padStart(length * 2, '0'),
    'hex',
  );
}
