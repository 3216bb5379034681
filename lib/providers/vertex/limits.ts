import { limits as geminiLimits, notes as geminiNotes } from '../gemini/limits.ts';
import type { DirectUse, ProviderLimits, ProviderNotes } from '../provider.ts';

/**
 * What one batch prediction job accepts: 200,000 requests and 1 GB, of which we use what the Gemini API gets too. Source:
 * https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/batch-prediction-gemini, from memory.
 */
export const limits: ProviderLimits = geminiLimits;

export const directUse: DirectUse = {
  customIds: null,
  keepsMetadata: false,
  listsInputFile: true,
  mixesModels: false,
};

export const notes: ProviderNotes = {
  title: 'Google Vertex AI',
  source: 'https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/batch-prediction-gemini',
  lostCreateProof: 'our token in its labels, or our input file',
  warned: ["of Gemini's models, as for the Gemini API", "of Claude's, as for Anthropic"],
  refused: [
    'embeddings',
    'models other than Gemini and Claude',
    'URLs of images whose type they do not show',
    ...geminiNotes.refused.filter((what) => !/embedding|http/.test(what)),
  ],
  isConfirmed: false,
};
