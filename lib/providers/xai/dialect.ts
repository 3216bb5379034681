import { z } from 'zod';
import { TransientError } from '../../records/errors.ts';
import { type Dialect, openAIWays, type Read } from '../openai-family/dialect.ts';
import { nameOf, openAIBatch } from './batch.ts';

const pageToken = z.string().min(1).nullish().catch(null);
const batchesSchema = z.object({ batches: z.array(z.unknown()), pagination_token: pageToken });
const resultsSchema = z.object({ results: z.array(z.unknown()), pagination_token: pageToken });

/** Results in a page; others ask for as many. */
const resultsInPage = 1_000;

/**
 * xAI's batches. Source: https://docs.x.ai/developers/advanced-api-usage/batch-api, read 2026-11. That the list
 * shows a batch's input file: xai-org/xai-proto, `ListBatchesResponse`. The list's order is said nowhere.
 */
export const xaiDialect: Dialect = {
  ...openAIWays,
  service: 'xAI',
  baseUrl: 'https://api.x.ai/v1',
  /** Its files have no purpose. */
  uploadFields: () => ({}),
  creation: ({ prefix, token }, inputFileId) => ({ name: nameOf(prefix, token), input_file_id: inputFileId }),
  batchFrom: (reply) => openAIBatch(reply, Date.now()),
  list: {
    query: ({ after, limit }) => ({ limit, ...(after !== undefined && { pagination_token: after }) }),
    pageFrom: (reply) => {
      const { batches, pagination_token } = batchesSchema.parse(reply);
      return { batches, next: pagination_token ?? null };
    },
    goesOnBehindIds: false,
  },
  cancelPath: (batchId) => `/batches/${batchId}:cancel`,
  results: resultLines,
};

/** Each result as a line, page by page. */
async function* resultLines(read: Read, batchId: string): AsyncGenerator<Uint8Array> {
  let after: string | undefined;
  for (;;) {
    const query = { limit: resultsInPage, ...(after !== undefined && { pagination_token: after }) };
    const { results, next } = pageFrom(await read(`/batches/${batchId}/results`, query));
    for (const result of results) yield Buffer.from(`${JSON.stringify(result)}\n`);
    if (next === null) return;
    if (next === after) throw new TransientError(`The results of xAI's batch ${batchId} do not go on.`);
    after = next;
  }
}

function pageFrom(reply: unknown): { results: unknown[]; next: string | null } {
  const page = resultsSchema.safeParse(reply);
  if (!page.success) throw new TransientError('A page of results of xAI is none.', { cause: page.error });
  return { results: page.data.results, next: page.data.pagination_token ?? null };
}
