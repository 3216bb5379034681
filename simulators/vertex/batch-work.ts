import { modelOf } from '../google/batch-calls.ts';
import type { GoogleWork } from '../google/batch-work.ts';
import { statusOf } from '../google/error-reply.ts';
import { type Examination, generateContent } from '../google/generate-content.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { answerOfClaude } from './claude.ts';

/** What a model makes of a request. */
export function answerOf(model: string, request: unknown, ids: SeededRandom): Examination {
  return model.startsWith('claude-')
    ? answerOfClaude(request, model, ids)
    : generateContent(request, { surface: 'vertex', model }, ids);
}

/** What Vertex does with a job between its creation and its end. What was done before it ended early stays. */
export const vertexWork: GoogleWork = {
  idName: 'custom_id',
  modelOf,
  keepsPartialWork: true,
  examine: (line, record, ids) => answerOf(modelOf(record), line.request, ids),
  resultOf: (line, outcome) => {
    const head = { custom_id: line.customId, processed_time: new Date().toISOString(), request: line.request };
    if ('response' in outcome) return { ...head, status: '', response: outcome.response };
    const error = { code: statusOf(outcome.error), message: outcome.error.message };
    return { ...head, status: `Failed: ${JSON.stringify({ error })}`, response: {} };
  },
};
