import type { JsonObject } from '../json.ts';
import { examineChat } from './chat.ts';
import { examineCompletion } from './completions.ts';
import { examineEmbeddings } from './embeddings.ts';
import type { Examination, Examine } from './examination.ts';
import { examineImageEdit, examineImageGeneration } from './images.ts';
import type { Endpoint } from './limits.ts';
import { examineModeration } from './moderations.ts';
import { examineResponses } from './responses.ts';
import { examineVideo } from './videos.ts';

const examineByEndpoint: Record<Endpoint, Examine> = {
  '/v1/responses': examineResponses,
  '/v1/chat/completions': examineChat,
  '/v1/embeddings': examineEmbeddings,
  '/v1/completions': examineCompletion,
  '/v1/moderations': examineModeration,
  '/v1/images/generations': examineImageGeneration,
  '/v1/images/edits': examineImageEdit,
  '/v1/videos': examineVideo,
};

/** What becomes of a request to an endpoint. @throws RangeError for an endpoint that a creation should have refused. */
export function examine(endpoint: string, body: JsonObject): Examination {
  const found = Object.entries(examineByEndpoint).find(([name]) => name === endpoint);
  if (found === undefined) throw new RangeError(`no endpoint ${endpoint}`);
  return found[1](body);
}
