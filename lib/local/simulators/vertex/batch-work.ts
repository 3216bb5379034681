import type { BatchRecord } from '../batch-record.ts';
import type { GoogleWork } from '../google/batch-work.ts';
import { statusOf } from '../google/error-reply.ts';
import { generateContent } from '../google/generate-content.ts';
import { answerOfClaude } from './claude.ts';

/** What the job was created with is kept where others keep the customer's metadata. */
export function modelOf(record: BatchRecord): string {
  return record.metadata?.model ?? '';
}

/** What Vertex does with a job between its creation and its end. What was done before it ended early stays. */
export const vertexWork: GoogleWork = {
  idName: 'custom_id',
  modelOf,
  keepsPartialWork: true,
  examine: (line, record, ids) =>
    modelOf(record).startsWith('claude-')
      ? answerOfClaude(line.request, modelOf(record), ids)
      : generateContent(line.request, { surface: 'vertex', model: modelOf(record) }, ids),
  resultOf: (line, outcome) => {
    const head = { custom_id: line.customId, processed_time: new Date().toISOString(), request: line.request };
    if ('response' in outcome) return { ...head, status: '', response: outcome.response };
    const error = { code: statusOf(outcome.error), message: outcome.error.message };
    return { ...head, status: `Failed: ${JSON.stringify({ error })}`, response: {} };
  },
};
