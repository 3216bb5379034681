import type { BatchRecord } from '../batch-record.ts';
import type { GoogleWork } from '../google/batch-work.ts';
import { generateContent } from '../google/generate-content.ts';
import { embedContent } from './embed-content.ts';

/** A batch's model and name are kept where others keep the customer's metadata. */
export function modelOf(record: BatchRecord): string {
  return record.metadata?.model ?? '';
}

/** What the Gemini API does with a batch between its creation and its end. An expired one has no results at all. */
export const geminiWork: GoogleWork = {
  idName: 'key',
  modelOf,
  keepsPartialWork: false,
  examine: (line, record, ids) =>
    record.endpoint === '/v1/embeddings'
      ? embedContent(line.request)
      : generateContent(line.request, { surface: 'gemini', model: modelOf(record) }, ids),
  resultOf: (line, outcome) =>
    'error' in outcome
      ? { key: line.customId, error: outcome.error }
      : { key: line.customId, response: outcome.response },
};
