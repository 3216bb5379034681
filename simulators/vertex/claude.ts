import { z } from 'zod';
import { examineMessage } from '../anthropic/messages.ts';
import { rpcError } from '../google/error-reply.ts';
import type { Examination } from '../google/generate-content.ts';
import { SeededRandom } from '../seeded-random.ts';

/** A Messages body without its model, and with a version of Vertex's own. */
const claudeRequestSchema = z.looseObject({
  anthropic_version: z.literal('vertex-2023-10-16'),
  model: z.undefined({ error: 'model: Extra inputs are not permitted' }).optional(),
  stream: z.undefined({ error: 'stream: Extra inputs are not permitted' }).optional(),
});

const statusByErrorType: Record<string, number> = {
  invalid_request_error: 400,
  rate_limit_error: 429,
  overloaded_error: 503,
};

/** What Claude answers on Vertex: by the rules of the Messages API that still take sampling parameters. */
export function answerOfClaude(request: unknown, model: string, ids: SeededRandom): Examination {
  const parsed = claudeRequestSchema.safeParse(request);
  if (!parsed.success) return { error: rpcError(400, z.prettifyError(parsed.error)) };
  const { anthropic_version: _ours, ...params } = parsed.data;
  const examination = examineMessage({ model, ...params }, '2023-06-01');
  if ('error' in examination)
    return { error: rpcError(statusByErrorType[examination.error.type] ?? 500, examination.error.message) };
  const { message, usage } = examination.answer({ random: new SeededRandom(JSON.stringify(params)), ids });
  return { response: message, usage };
}
