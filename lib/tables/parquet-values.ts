import { isUtf8 } from 'node:buffer';
import type { SchemaElement } from 'hyparquet';
import { parseFloat16 } from 'hyparquet/src/convert.js';
import { numberSpelled } from '../lines/exact-json.ts';
import { dateText, timestampText, timeText } from './iso-time.ts';
import type { ParquetType } from './parquet-type.ts';

/** Why a value has no form as JSON. */
export class UnreadableValueError extends Error {}

/**
 * What the values of a column are.
 *
 * @param element of a column of single values, as the file's schema has it.
 * @returns null for a type that is not read.
 * @throws RangeError for a decimal that Parquet does not know.
 */
export function typeOfElement(element: SchemaElement): ParquetType | null {
  const { type, converted_type: converted, logical_type: logical, type_length: length = null } = element;
  if (type === undefined) return null;
  switch (type) {
    case 'BOOLEAN':
      return { is: 'boolean' };
    case 'INT32':
    case 'INT64':
      return typeOfInteger(element, type);
    case 'INT96':
      return { is: 'legacy-timestamp' };
    case 'FLOAT':
      return { is: 'float' };
    case 'DOUBLE':
      return { is: 'double' };
    case 'BYTE_ARRAY':
      return decimalOf(element, type) ?? typeOfBytes(logical?.type ?? converted ?? null);
    case 'FIXED_LEN_BYTE_ARRAY': {
      const decimal = decimalOf(element, type);
      if (decimal) return decimal;
      if (logical?.type === 'UUID') return { is: 'uuid' };
      if (logical?.type === 'FLOAT16') return { is: 'half' };
      return converted === 'INTERVAL' ? { is: 'interval' } : { is: 'binary', length, as: null };
    }
  }
}

function typeOfInteger(element: SchemaElement, type: 'INT32' | 'INT64'): ParquetType {
  const { converted_type: converted, logical_type: logical } = element;
  const decimal = decimalOf(element, type);
  if (decimal) return decimal;
  if (logical?.type === 'DATE' || converted === 'DATE') return { is: 'date' };
  if (logical?.type === 'TIME') return { is: 'time', unit: logical.unit, utc: logical.isAdjustedToUTC };
  if (logical?.type === 'TIMESTAMP') return { is: 'timestamp', unit: logical.unit, utc: logical.isAdjustedToUTC };
  if (converted === 'TIME_MILLIS' || converted === 'TIME_MICROS')
    return { is: 'time', unit: converted === 'TIME_MILLIS' ? 'MILLIS' : 'MICROS', utc: true };
  if (converted === 'TIMESTAMP_MILLIS' || converted === 'TIMESTAMP_MICROS')
    return { is: 'timestamp', unit: converted === 'TIMESTAMP_MILLIS' ? 'MILLIS' : 'MICROS', utc: true };
  const [, sign, stated] = /^(U?)INT_(8|16|32|64)$/.exec(converted ?? '') ?? [];
  if (logical?.type === 'INTEGER')
    return { is: 'integer', bits: bitsFrom(logical.bitWidth, type), signed: logical.isSigned };
  return { is: 'integer', bits: bitsFrom(Number(stated), type), signed: sign !== 'U' };
}

function bitsFrom(stated: number, type: 'INT32' | 'INT64'): 8 | 16 | 32 | 64 {
  if (stated === 8 || stated === 16) return stated;
  return type === 'INT32' ? 32 : 64;
}

function decimalOf(
  { converted_type, logical_type: logical, precision, scale, type_length }: SchemaElement,
  physical: 'INT32' | 'INT64' | 'BYTE_ARRAY' | 'FIXED_LEN_BYTE_ARRAY',
): ParquetType | null {
  const stated = logical?.type === 'DECIMAL' ? logical : { precision: precision ?? 0, scale: scale ?? 0 };
  if (logical?.type !== 'DECIMAL' && converted_type !== 'DECIMAL') return null;
  if (!(stated.scale >= 0 && stated.scale <= stated.precision))
    throw new RangeError(`a decimal has ${stated.scale} of its ${stated.precision} digits behind the point`);
  return { is: 'decimal', physical, length: type_length ?? null, precision: stated.precision, scale: stated.scale };
}

function typeOfBytes(stated: string | null): ParquetType {
  switch (stated) {
    case 'UTF8':
    case 'STRING':
      return { is: 'text', as: 'STRING' };
    case 'ENUM':
    case 'JSON':
      return { is: 'text', as: stated };
    default:
      return { is: 'binary', length: null, as: stated };
  }
}

/**
 * Makes JSON of a value as the file holds it: exact numbers, texts for times, base64 for bytes.
 *
 * @param value never null.
 * @throws UnreadableValueError
 */
export function jsonOf(value: unknown, type: ParquetType): unknown {
  switch (type.is) {
    case 'boolean':
      return value === true;
    case 'integer':
      return wholeNumber(unsignedIf(!type.signed, value));
    case 'decimal':
      return decimalNumber(value instanceof Uint8Array ? bigEndian(value) : bigOf(value), type.scale);
    case 'half':
      return value instanceof Uint8Array ? floatNumber(parseFloat16(value) ?? Number.NaN) : unexpected(value);
    case 'float':
      return typeof value === 'number' ? floatNumber(shortestFloat(value)) : unexpected(value);
    case 'double':
      return typeof value === 'number' ? floatNumber(value) : unexpected(value);
    case 'date':
      return typeof value === 'number' ? dateText(value) : unexpected(value);
    case 'time':
      return timeText(bigOf(value), type.unit, type.utc);
    case 'timestamp':
      return timestampText(bigOf(value), type.unit, type.utc);
    // The reader's own conversion gives nanoseconds.
    case 'legacy-timestamp':
      return timestampText(bigOf(value), 'NANOS', true);
    case 'interval':
      return intervalText(bytesOf(value));
    case 'text':
      return textOf(bytesOf(value));
    case 'uuid':
      return bytesOf(value)
        .toString('hex')
        .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    case 'binary':
      return bytesOf(value).toString('base64');
    case 'nested':
      return value;
  }
}

function unexpected(value: unknown): never {
  throw new UnreadableValueError(`holds a ${typeof value}, which is not of its type`);
}

function bigOf(value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : unexpected(value);
}

function bytesOf(value: unknown): Buffer {
  return value instanceof Uint8Array
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : unexpected(value);
}

function textOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new UnreadableValueError('holds a text that is not UTF-8');
  return bytes.toString('utf8');
}

function unsignedIf(isUnsigned: boolean, value: unknown): number | bigint {
  if (typeof value === 'bigint') return isUnsigned ? BigInt.asUintN(64, value) : value;
  if (typeof value !== 'number') return unexpected(value);
  return isUnsigned ? value >>> 0 : value;
}

function wholeNumber(value: number | bigint): unknown {
  return typeof value === 'number' ? value : numberSpelled(String(value));
}

/** JSON has no other numbers: these are texts. */
function floatNumber(value: number): unknown {
  if (!Number.isFinite(value)) return String(value);
  return Object.is(value, -0) ? numberSpelled('-0') : value;
}

/** The shortest number that is this one in 32 bits: 0.1, and not 0.10000000149011612. */
function shortestFloat(value: number): number {
  for (let digits = 6; digits < 9; digits += 1) {
    const shorter = Number(value.toPrecision(digits));
    if (Object.is(Math.fround(shorter), value)) return shorter;
  }
  return value;
}

function bigEndian(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
}

function decimalNumber(unscaled: bigint, scale: number): unknown {
  if (scale === 0) return numberSpelled(String(unscaled));
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const point = digits.length - scale;
  return numberSpelled(`${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`);
}

/** Months, days and milliseconds are told apart: a month has no fixed number of days. */
function intervalText(bytes: Buffer): string {
  if (bytes.length !== 12) return unexpected(bytes);
  const [months, days, millis] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4), bytes.readUInt32LE(8)];
  return `P${months}M${days}DT${millis / 1_000}S`;
}
