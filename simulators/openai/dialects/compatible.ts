import { createBatchBodySchema } from '../create-batch-body.ts';
import { bearerKey, openAIWire, smallPage, type WireDialect } from '../wire-dialect.ts';

/** A plain server of one's own: it may do without a key, has any model, and forgets metadata. */
export const compatibleWire: WireDialect = {
  ...openAIWire,
  kind: 'openai-compatible',
  keyIn: (headers) => (headers.authorization === undefined ? keyless : bearerKey(headers)),
  creation: createBatchBodySchema.omit({ output_expires_after: true }),
  isKnownModel: (model) => model !== 'unknown-model',
  batch: (openAI) => ({ ...openAI, metadata: null, model: undefined, usage: undefined }),
  page: smallPage,
};

/** Passes where no certain key is asked for. */
const keyless = 'keyless';
