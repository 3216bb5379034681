import { modelOf } from '../google/batch-calls.ts';
import type { GoogleWork } from '../google/batch-work.ts';
import { type Examination, generateContent } from '../google/generate-content.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { embedContent } from './embed-content.ts';

/** What a model makes of a request. */
function answerOf(endpoint: string, model: string, request: unknown, ids: SeededRandom): Examination {
  return endpoint === '/v1/embeddings'
    ? embedContent(request)
    : generateContent(request, { surface: 'gemini', model }, ids);
}

/** The same to a single call, where embeddings have their tokens at the usual place. */
export function liveAnswerOf(endpoint: string, model: string, request: unknown, ids: SeededRandom): Examination {
  const examination = answerOf(endpoint, model, request, ids);
  if ('error' in examination || endpoint !== '/v1/embeddings') return examination;
  const { tokenCount: _ofBatches, ...response } = examination.response;
  const { usage } = examination;
  return { response: { ...response, usageMetadata: { promptTokenCount: usage.inputTokens } }, usage };
}

/** What the Gemini API does with a batch between its creation and its end. An expired one has no results at all. */
export const geminiWork: GoogleWork = {
  idName: 'key',
  modelOf,
  keepsPartialWork: false,
  examine: (line, record, ids) => answerOf(record.endpoint, modelOf(record), line.request, ids),
  resultOf: (line, outcome) =>
    'error' in outcome
      ? { key: line.customId, error: outcome.error }
      : { key: line.customId, response: outcome.response },
};
