import { z } from 'zod';
import { createBatchBodySchema } from '../create-batch-body.ts';
import { megabyte, openAIWire, smallPage, type WireDialect } from '../wire-dialect.ts';

/** OpenAI's shapes, one endpoint, longer windows, no expiry of results. */
export const groqWire: WireDialect = {
  ...openAIWire,
  kind: 'groq',
  root: '/openai/v1',
  creation: createBatchBodySchema.omit({ output_expires_after: true }).extend({
    endpoint: z.enum(['/v1/chat/completions']),
    completion_window: z.string().regex(/^([1-9]\d*h|[1-7]d)$/),
  }),
  limits: { maxRequests: 50_000, maxInputBytes: 100 * megabyte },
  isKnownModel: (model) => /^(llama|qwen|openai\/|moonshotai\/|meta-llama\/)/.test(model),
  page: smallPage,
};
