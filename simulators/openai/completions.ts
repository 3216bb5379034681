import { z } from 'zod';
import type { JsonObject } from '../json.ts';
import { composeProse } from '../prose.ts';
import { triggerIn } from '../triggers.ts';
import { countTokens } from '../usage.ts';
import type { Answer, AnswerSeed, Examination } from './examination.ts';
import { refusalOfIssues } from './issue-text.ts';
import { refusalOfTrigger, refuse } from './line-refusals.ts';

/** Tokens of an answer when the request sets no limit. Source: OpenAI's API reference. */
const usualMaxTokens = 16;

const completionRequestSchema = z.strictObject({
  model: z.string(),
  prompt: z.union([z.string(), z.array(z.string()).min(1), z.array(z.int()).min(1), z.array(z.array(z.int())).min(1)]),
  best_of: z.int().min(1).max(20).nullish(),
  echo: z.boolean().nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  logit_bias: z.record(z.string(), z.number()).nullish(),
  logprobs: z.int().min(0).max(5).nullish(),
  max_tokens: z.int().min(1).nullish(),
  n: z.int().min(1).max(128).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string()).min(1).max(4)]).nullish(),
  stream: z.literal(false).nullish(),
  suffix: z.string().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  user: z.string().optional(),
});
type CompletionRequest = z.infer<typeof completionRequestSchema>;

/** /v1/completions */
export function examineCompletion(body: JsonObject): Examination {
  const parsed = completionRequestSchema.safeParse(body);
  if (!parsed.success) return refuse(refusalOfIssues(parsed.error.issues, body));
  const refusal = refusalOfTrigger(triggerIn(promptsOf(parsed.data).join('\n')));
  return refusal === null ? { answer: (seed) => answerCompletion(parsed.data, seed) } : { refusal };
}

function answerCompletion(request: CompletionRequest, seed: AnswerSeed): Answer {
  const prompts = promptsOf(request).flatMap((prompt) => Array.from({ length: request.n ?? 1 }, () => prompt));
  const limits = {
    maxTokens: request.max_tokens ?? usualMaxTokens,
    stopSequences: request.stop == null ? [] : [request.stop].flat(),
  };
  const texts = prompts.map((prompt) => composeProse(prompt, seed.random, limits));
  const inputTokens = promptsOf(request).reduce((sum, prompt) => sum + countTokens(prompt), 0);
  const outputTokens = texts.reduce((sum, text) => sum + text.outputTokens, 0);
  const body = {
    id: `cmpl-${seed.ids.base62(29)}`,
    object: 'text_completion',
    created: seed.createdSeconds,
    model: request.model,
    choices: texts.map((prose, index) => ({
      text: request.echo === true ? `${prompts[index]}${prose.text}` : prose.text,
      index,
      logprobs: null,
      finish_reason: prose.ending === 'length' ? 'length' : 'stop',
    })),
    usage: {
      prompt_tokens: inputTokens,
      completion_tokens: outputTokens,
      total_tokens: inputTokens + outputTokens,
    },
  };
  return { body, usage: { inputTokens, cachedTokens: 0, outputTokens, reasoningTokens: 0 } };
}

function promptsOf({ prompt }: CompletionRequest): string[] {
  if (typeof prompt === 'string') return [prompt];
  if (typeof prompt[0] === 'number') return [prompt.join(' ')];
  return prompt.map((each) => (Array.isArray(each) ? each.join(' ') : String(each)));
}
