import { z } from 'zod';

const unitSchema = z.enum(['MILLIS', 'MICROS', 'NANOS']);
export type TimeUnit = z.infer<typeof unitSchema>;

/**
 * What a Parquet file says of the values of a column, where the results table can say the same. Physical and logical types are those
 * of the format. Source: https://github.com/apache/parquet-format/blob/master/LogicalTypes.md, read 2026-11.
 */
export const keptTypeSchema = z.discriminatedUnion('is', [
  z.object({ is: z.literal('boolean') }),
  z.object({ is: z.literal('integer'), bits: z.literal([8, 16, 32, 64]), signed: z.boolean() }),
  z.object({
    is: z.literal('decimal'),
    physical: z.enum(['INT32', 'INT64', 'BYTE_ARRAY', 'FIXED_LEN_BYTE_ARRAY']),
    /** Bytes of a FIXED_LEN_BYTE_ARRAY. */
    length: z.number().int().nullable(),
    precision: z.number().int(),
    scale: z.number().int(),
  }),
  z.object({ is: z.literal('half') }),
  z.object({ is: z.literal('float') }),
  z.object({ is: z.literal('double') }),
  z.object({ is: z.literal('date') }),
  z.object({ is: z.literal('time'), unit: unitSchema, utc: z.boolean() }),
  z.object({ is: z.literal('timestamp'), unit: unitSchema, utc: z.boolean() }),
  z.object({ is: z.literal('text'), as: z.enum(['STRING', 'ENUM', 'JSON']) }),
  z.object({ is: z.literal('uuid') }),
  /** Bytes that are no text; `as` names what they are in the input, such as BSON. */
  z.object({ is: z.literal('binary'), length: z.number().int().nullable(), as: z.string().nullable() }),
]);
export type KeptType = z.infer<typeof keptTypeSchema>;

/** All types that are read: lists, maps and structs, INT96 as Spark and Impala wrote times, and INTERVAL come back as something else. */
export type ParquetType = KeptType | { is: 'nested' } | { is: 'legacy-timestamp' } | { is: 'interval' };
