import { z } from 'zod';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { type Trigger, triggerIn } from '../triggers.ts';
import type { TokenUsage } from '../usage.ts';

/** What an answer is a function of, beside the body. */
interface AnswerSeed {
  /** Depends on the body alone: the same request always gets the same answer. */
  random: SeededRandom;
  /** Depends on the job as well: ids are never given twice. */
  ids: SeededRandom;
}

export interface ModelAnswer {
  output: JsonObject;
  usage: TokenUsage;
}

export interface ModelError {
  status: number;
  message: string;
}

/** What becomes of one body; the answer is only made when it is asked for. */
export type Examination = { error: ModelError } | { answer(seed: AnswerSeed): ModelAnswer };

export type Examiner = (body: JsonObject) => Examination;

/** Lets a strict schema judge a body, and then what its question asks for. */
export function examiner<Body>(
  schema: z.ZodType<Body>,
  questionOf: (body: Body) => string,
  answer: (body: Body, question: string, seed: AnswerSeed) => ModelAnswer,
  complaintOf: (body: Body) => string | null = () => null,
): Examiner {
  return (body) => {
    const parsed = schema.safeParse(body);
    if (!parsed.success) return { error: invalid(`Malformed input request: ${z.prettifyError(parsed.error)}`) };
    const complaint = complaintOf(parsed.data);
    if (complaint !== null) return { error: invalid(complaint) };
    const question = questionOf(parsed.data);
    const error = errorOfTrigger(triggerIn(question));
    return error === null ? { answer: (seed) => answer(parsed.data, question, seed) } : { error };
  };
}

export function invalid(message: string): ModelError {
  return { status: 400, message };
}

function errorOfTrigger(trigger: Trigger | null): ModelError | null {
  switch (trigger) {
    case 'refuse':
      return invalid('The content was blocked.');
    case 'rate-limit':
      return { status: 429, message: 'Too many requests, please wait before trying again.' };
    case 'server-error':
      return { status: 500, message: 'The system encountered an unexpected error during processing.' };
    case 'overloaded':
      return { status: 503, message: 'The model is overloaded.' };
    case 'decline':
    case null:
      return null;
  }
}

export function textUsage(inputTokens: number, outputTokens: number): TokenUsage {
  return { inputTokens, outputTokens, cachedTokens: 0, reasoningTokens: 0 };
}

/** JSON that nobody looks into. */
export const jsonObject = z.custom<JsonObject>(isJsonObject, 'expected an object');
