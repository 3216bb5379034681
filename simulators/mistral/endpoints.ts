import type { JsonObject } from '../json.ts';
import type { Examination, Examine } from '../openai/examination.ts';
import { examineChat } from './chat.ts';
import { examineEmbeddings, examineModeration } from './text-inputs.ts';

/** Those that are simulated. Source: @mistralai/mistralai 2.7 `ApiEndpoint`. */
export const endpoints = ['/v1/chat/completions', '/v1/embeddings', '/v1/moderations'] as const;

const examineByEndpoint: Record<(typeof endpoints)[number], Examine> = {
  '/v1/chat/completions': examineChat,
  '/v1/embeddings': examineEmbeddings,
  '/v1/moderations': examineModeration,
};

/** What becomes of a request. @throws RangeError for an endpoint that a creation should have refused. */
export function examine(endpoint: string, body: JsonObject): Examination {
  const known = endpoints.find((each) => each === endpoint);
  if (!known) throw new RangeError(`no endpoint ${endpoint}`);
  return examineByEndpoint[known](body);
}
