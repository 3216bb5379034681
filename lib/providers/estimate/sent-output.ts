import type { RequestLine } from '../../lines/request-line.ts';
import type { JsonObject } from '../../records/json.ts';

/** Output tokens of a request that has no limit, where none is known of its model either. */
const guessedOutputTokens = 1_000;

/** What bounds the answers of one model. */
export interface OutputRules {
  model: string;
  /** Whether a line goes as it is, so that the limits in it are the ones that count. */
  passesThrough: (request: Pick<RequestLine, 'format' | 'endpoint'>) => boolean;
  /** The limit that we send for a translated line that names none. */
  sentLimit: number | null;
  /** What the batch's options assume of such a line. */
  assumed: number | null;
  /** The most that the model writes. */
  maximum: number | null;
}

interface SentOutput {
  /** All, those of pictures too. */
  tokens: number;
  imageTokens: number;
  /** False for what is sold by another unit than the token, or by one that nobody here knows. */
  isPriced: boolean;
  /** What was counted where the request has no limit; null where it has one. */
  assumption: 'modelMaximum' | 'assumedByOption' | 'unbounded' | null;
}

/** What a request may write at most, as it is sent: by its endpoint, its own limits and the number of answers that it asks for. */
export function outputOf(request: Pick<RequestLine, 'endpoint' | 'format' | 'body'>, rules: OutputRules): SentOutput {
  const { body, endpoint } = request;
  switch (endpoint) {
    case '/v1/chat/completions':
      return written(chatLimit(body, rules.passesThrough(request)), countOf(body.n), request, rules);
    case '/v1/responses':
      return written(numberOf(body.max_output_tokens), 1, request, rules);
    case '/v1/messages':
      return written(numberOf(body.max_tokens), 1, request, rules);
    case '/v1/completions':
      return written(numberOf(body.max_tokens), promptsOf(body) * answersOf(body), request, rules);
    case '/v1/embeddings':
    case '/v1/moderations':
      return { tokens: 0, imageTokens: 0, isPriced: true, assumption: null };
    case '/v1/images/generations':
    case '/v1/images/edits':
      return drawn(body, rules.model);
    case '/v1/videos':
      return { tokens: 0, imageTokens: 0, isPriced: false, assumption: null };
  }
}

/** Translations take the newer name where both are there; a server that gets both may take either. */
function chatLimit(body: JsonObject, passesThrough: boolean): number | null {
  const newer = numberOf(body.max_completion_tokens);
  const older = numberOf(body.max_tokens);
  if (newer === null || older === null) return newer ?? older;
  return passesThrough ? Math.max(newer, older) : newer;
}

function written(
  limit: number | null,
  answers: number,
  request: Pick<RequestLine, 'format' | 'endpoint'>,
  rules: OutputRules,
): SentOutput {
  const all = (each: number, assumption: SentOutput['assumption']) => ({
    tokens: Math.ceil(each) * answers,
    imageTokens: 0,
    isPriced: true,
    assumption,
  });
  if (limit !== null) return all(limit, null);
  if (rules.sentLimit !== null && !rules.passesThrough(request)) return all(rules.sentLimit, null);
  if (rules.assumed !== null) return all(rules.assumed, 'assumedByOption');
  return rules.maximum === null ? all(guessedOutputTokens, 'unbounded') : all(rules.maximum, 'modelMaximum');
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && value > 0 ? value : null;
}

function countOf(value: unknown): number {
  return Math.max(1, Math.ceil(numberOf(value) ?? 1));
}

/** Of `best_of` answers all are paid for, and one is given. */
function answersOf(body: JsonObject): number {
  return Math.max(countOf(body.n), countOf(body.best_of));
}

/** A list of numbers is one prompt of tokens. */
function promptsOf({ prompt }: JsonObject): number {
  return Array.isArray(prompt) && typeof prompt[0] !== 'number' ? Math.max(1, prompt.length) : 1;
}

/** Output tokens of a picture, by quality and size. Source: https://platform.openai.com/docs/guides/image-generation, read 2026-11. */
const pictureTokens = {
  low: { '1024x1024': 272, '1024x1536': 408, '1536x1024': 400 },
  medium: { '1024x1024': 1_056, '1024x1536': 1_584, '1536x1024': 1_568 },
  high: { '1024x1024': 4_160, '1024x1536': 6_240, '1536x1024': 6_208 },
} as const;

/** The model may choose quality and size where they are not said: the most is counted. */
function drawn(body: JsonObject, model: string): SentOutput {
  if (!/^gpt-image-1(?!\d)/.test(model)) return { tokens: 0, imageTokens: 0, isPriced: false, assumption: null };
  const { quality, size } = body;
  const bySize = quality === 'low' || quality === 'medium' ? pictureTokens[quality] : pictureTokens.high;
  const most = Math.max(...Object.values(bySize));
  const each = Object.entries(bySize).find(([name]) => name === size)?.[1] ?? most;
  const tokens = each * countOf(body.n);
  return { tokens, imageTokens: tokens, isPriced: true, assumption: null };
}
