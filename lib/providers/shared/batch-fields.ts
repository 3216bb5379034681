import { z } from 'zod';
import { batchStatuses, emptyBatch, openAIBatchSchema } from '../../records/openai-batch.ts';
import { timeSeconds } from './http/provider-time.ts';

const fieldsSchema = z.looseObject({
  ...openAIBatchSchema.shape,
  /** Null where the provider does not record it. */
  endpoint: z.string().min(1).nullable(),
});

/** OpenAI's Batch as a provider says it. */
export type BatchFields = z.infer<typeof fieldsSchema>;

/**
 * Reads OpenAI's Batch with every field; null where it is unset, as on the wire. It is tolerant, since servers that speak
 * OpenAI's API differ: a field that cannot be read counts as unset. Fields that OpenAI does not have stay as they are.
 */
export const batchFieldsSchema = z
  .looseObject({ id: z.string().min(1) })
  .transform((batch): unknown => ({ ...batch, ...readableFields(batch) }))
  .pipe(fieldsSchema);

function readableFields(batch: { id: string; [field: string]: unknown }): object {
  const { id, ...unset } = emptyBatch(batch.id);
  const fallbacks: Record<string, unknown> = { ...unset, ...otherFallbacks };
  const fields = Object.entries(fieldsSchema.shape).map(([name, schema]) => {
    const read = z.safeParse(schema, repaired(name, batch[name]));
    return [name, read.success ? read.data : fallbacks[name]];
  });
  return { ...Object.fromEntries(fields), id };
}

/** A status that OpenAI does not have is treated as work in progress. */
const otherFallbacks = { endpoint: null, status: 'in_progress' };

/** Unix seconds, or a date as some servers write it. */
const secondsSchema = z.number().transform(Math.floor).or(z.string().transform(timeSeconds).pipe(z.number()));

const count = z.number().int().nonnegative().catch(0);

/** Fields of which a part is worth reading. */
const repairs: Record<string, z.ZodType> = {
  status: z.string().toLowerCase().pipe(z.enum(batchStatuses)),
  errors: z.object({
    object: z.literal('list').catch('list'),
    data: z.array(
      z.object({
        code: z.string().catch(''),
        message: z.string().catch(''),
        param: z.string().nullable().catch(null),
        line: z.number().int().nullable().catch(null),
      }),
    ),
  }),
  request_counts: z.object({ total: count, completed: count, failed: count }),
};

function repaired(name: string, value: unknown): unknown {
  if (value === '') return null;
  const repair = name.endsWith('_at') ? secondsSchema : repairs[name];
  return repair ? repair.safeParse(value).data : value;
}
