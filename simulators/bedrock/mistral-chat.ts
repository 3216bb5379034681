import { z } from 'zod';
import type { JsonObject } from '../json.ts';
import { examineChat } from '../mistral/chat.ts';
import { type Examination, invalid } from './examination.ts';

/**
 * What AWS's page names of Mistral's own body. Source:
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-mistral-chat-completion.html, read 2026-11.
 */
const bodySchema = z.strictObject({
  messages: z.array(z.looseObject({ content: z.union([z.string(), z.array(z.looseObject({}))]) })),
  tools: z.array(z.unknown()).optional(),
  tool_choice: z.enum(['auto', 'any', 'none']).optional(),
  max_tokens: z.int().min(1).optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().min(0).max(1).optional(),
});

/** What becomes of a body of messages: what Mistral makes of it, if it has nothing else. */
export function examineMistralChat(body: JsonObject, model: string): Examination {
  const parsed = bodySchema.safeParse(body);
  if (!parsed.success) return { error: invalid(`Malformed input request: ${z.prettifyError(parsed.error)}`) };
  const examination = examineChat(body);
  if ('refusal' in examination) {
    const { status, error } = examination.refusal;
    return { error: { status, message: error.message } };
  }
  return {
    answer: (seed) => {
      const { body: output, usage } = examination.answer({ ...seed, createdSeconds: Math.floor(Date.now() / 1000) });
      return { output: { ...output, model: model.replace(/^mistral\./, '') }, usage };
    },
  };
}
