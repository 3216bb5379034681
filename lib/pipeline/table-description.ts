import { z } from 'zod';
import { columnSchema } from '../tables/row.ts';

/** What the results table is made of, beside the rows: a work object that Prepare writes. */
export const tableDescriptionSchema = z.object({
  columns: z.array(columnSchema),
  /** The schema that the template asks answers to fit. */
  answerSchema: z.record(z.string(), z.unknown()).nullable(),
});
export type TableDescription = z.infer<typeof tableDescriptionSchema>;
