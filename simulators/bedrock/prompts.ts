import { z } from 'zod';
import { composeProse, composeRefusal, cut, type Prose, type ProseLimits } from '../prose.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { triggerIn } from '../triggers.ts';
import { countTokens } from '../usage.ts';
import { type Examiner, examiner, textUsage } from './examination.ts';

// Sources: the pages on the parameters of Meta's and Mistral's models in Bedrock's user guide, read 2026-11.
const llamaSchema = z.strictObject({
  prompt: z.string().min(1),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().min(0).max(1).optional(),
  max_gen_len: z.int().min(1).max(2048).optional(),
});

const mistralSchema = z.strictObject({
  prompt: z.string().min(1),
  max_tokens: z.int().min(1).max(8192).optional(),
  stop: z.array(z.string()).max(10).optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().min(0).max(1).optional(),
  top_k: z.int().min(1).max(200).optional(),
});

const turnInLlama = /<\|start_header_id\|>user<\|end_header_id\|>\n\n([\s\S]*?)<\|eot_id\|>/g;
const turnInMistral = /\[INST\] ([\s\S]*?) \[\/INST\]/g;

export const examineLlama: Examiner = examiner(
  llamaSchema,
  ({ prompt }) => lastTurnIn(prompt, turnInLlama),
  ({ prompt, max_gen_len: maxTokens = 512 }, question, { random }) => {
    const prose = proseTo(question, random, { maxTokens, stopSequences: [] });
    const promptTokens = countTokens(prompt);
    return {
      output: {
        generation: prose.text,
        prompt_token_count: promptTokens,
        generation_token_count: prose.outputTokens,
        stop_reason: prose.ending === 'length' ? 'length' : 'stop',
      },
      usage: textUsage(promptTokens, prose.outputTokens),
    };
  },
);

export const examineMistralPrompt: Examiner = examiner(
  mistralSchema,
  ({ prompt }) => lastTurnIn(prompt, turnInMistral),
  ({ prompt, max_tokens: maxTokens = 512, stop: stopSequences = [] }, question, { random }) => {
    const prose = proseTo(question, random, { maxTokens, stopSequences });
    const stopReason = prose.ending === 'length' ? 'length' : 'stop';
    return {
      output: { outputs: [{ text: prose.text, stop_reason: stopReason }] },
      usage: textUsage(countTokens(prompt), prose.outputTokens),
    };
  },
);

/** A prompt of another form is all question. */
function lastTurnIn(prompt: string, turn: RegExp): string {
  return [...prompt.matchAll(turn)].at(-1)?.[1] ?? prompt;
}

function proseTo(question: string, random: SeededRandom, limits: ProseLimits): Prose {
  return triggerIn(question) === 'decline' ? cut(composeRefusal(), limits) : composeProse(question, random, limits);
}
