import { z } from 'zod';
import { columnSchema } from '../../tables/row.ts';

/** What earlier runs have read of a table. */
export const tableStateSchema = z.object({
  columns: z.array(columnSchema).nullable(),
  /** Objects that keep the rows in their order. */
  parts: z.array(z.object({ key: z.string(), bytes: z.number().int() })),
});
export type TableState = z.infer<typeof tableStateSchema>;
