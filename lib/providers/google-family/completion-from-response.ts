import { countOf, objectOf, textOf } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import { type Usage, usageOf } from '../../records/usage.ts';
import { completionUsage } from '../shared/chat/completion-usage.ts';
import { timeMs } from '../shared/http/provider-time.ts';

/**
 * GenerateContentResponse -> ChatCompletion. Sources: @google/genai 3.1 `GenerateContentResponse` and
 * https://platform.openai.com/docs/api-reference/chat/object
 *
 * @param response its arguments of functions may hold numbers in their own spelling (`parseExact`).
 * @param lineId ours; names what Gemini leaves without an id.
 */
export function completionFromResponse(response: JsonObject, usage: Usage, lineId: string): object {
  const candidates = listOf(response.candidates);
  const choices =
    candidates.length > 0 ? candidates.map((each, index) => choiceFrom(each, index, lineId)) : [blocked(response)];
  return {
    id: textOf(response.responseId) ?? `chatcmpl-${lineId}`,
    object: 'chat.completion',
    created: createdSeconds(response.createTime),
    model: textOf(response.modelVersion),
    choices,
    usage: completionUsage(usage),
  };
}

/** Whether it says what the model answered, or why it did not. */
export function isResponse(response: JsonObject): boolean {
  return listOf(response.candidates).length > 0 || textOf(objectOf(response.promptFeedback)?.blockReason) !== null;
}

/** Whether nothing came but what the model could not finish. */
export function isBroken(response: JsonObject): boolean {
  const candidates = listOf(response.candidates);
  return candidates.length > 0 && candidates.every((each) => brokenReasons.has(each.finishReason) && saysNothing(each));
}

// Source: @google/genai 3.1 `FinishReason`.
const brokenReasons: ReadonlySet<unknown> = new Set([
  'MALFORMED_FUNCTION_CALL',
  'UNEXPECTED_TOOL_CALL',
  'TOO_MANY_TOOL_CALLS',
  'MALFORMED_RESPONSE',
]);

function saysNothing(candidate: JsonObject): boolean {
  const parts = partsOf(candidate);
  return !spoken(parts) && !parts.some((part) => isObject(part.functionCall));
}

/** Vertex says when it answered; elsewhere it is the time of this translation. */
function createdSeconds(createTime: unknown): number {
  const milliseconds = typeof createTime === 'string' ? timeMs(createTime) : Number.NaN;
  return Math.floor((Number.isNaN(milliseconds) ? Date.now() : milliseconds) / 1000);
}

function listOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function blocked(response: JsonObject): object {
  const feedback = objectOf(response.promptFeedback);
  const refusal = textOf(feedback?.blockReasonMessage) ?? `The prompt was blocked: ${textOf(feedback?.blockReason)}.`;
  const message = { role: 'assistant', content: null, refusal };
  return { index: 0, message, logprobs: null, finish_reason: 'content_filter' };
}

function choiceFrom(candidate: JsonObject, place: number, lineId: string): object {
  const parts = partsOf(candidate);
  const content = spoken(parts);
  const reasoning = joined(parts.filter((part) => part.thought === true));
  const calls = parts.filter((part) => isObject(part.functionCall));
  const toolCalls = calls.map((part, index) => toolCallFrom(part, `call_${lineId}_${place}_${index}`));
  const finishReason = finishReasonFrom(candidate.finishReason, toolCalls.length > 0);
  const isSilenced = finishReason === 'content_filter' && content === null;
  return {
    index: typeof candidate.index === 'number' ? candidate.index : place,
    message: {
      role: 'assistant',
      content,
      refusal: isSilenced ? refusalFrom(candidate) : null,
      ...(reasoning !== null && { reasoning_content: reasoning }),
      ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
    },
    logprobs: logprobsFrom(objectOf(candidate.logprobsResult)),
    finish_reason: finishReason,
  };
}

function partsOf(candidate: JsonObject): JsonObject[] {
  return listOf(objectOf(candidate.content)?.parts);
}

function spoken(parts: readonly JsonObject[]): string | null {
  return joined(parts.filter((part) => part.thought !== true));
}

function joined(parts: readonly JsonObject[]): string | null {
  const texts = parts.flatMap(({ text }) => (typeof text === 'string' ? [text] : []));
  return texts.length > 0 ? texts.join('') : null;
}

/** The signature of the thought behind a call must come back with it; `extra_content` is where Google itself puts it. */
function toolCallFrom(part: JsonObject, ownId: string): object {
  const call = objectOf(part.functionCall);
  const signature = textOf(part.thoughtSignature);
  return {
    id: textOf(call?.id) ?? ownId,
    type: 'function',
    function: { name: textOf(call?.name) ?? '', arguments: JSON.stringify(call?.args ?? {}) },
    ...(signature !== null && { extra_content: { google: { thought_signature: signature } } }),
  };
}

// Reasons that are not here end an answer as `stop`. Source: @google/genai 3.1 `FinishReason`.
const finishReasons = new Map<unknown, 'length' | 'content_filter'>([
  ['MAX_TOKENS', 'length'],
  ['CONTINUATION', 'length'],
  ['SAFETY', 'content_filter'],
  ['RECITATION', 'content_filter'],
  ['LANGUAGE', 'content_filter'],
  ['BLOCKLIST', 'content_filter'],
  ['PROHIBITED_CONTENT', 'content_filter'],
  ['SPII', 'content_filter'],
  ['IMAGE_SAFETY', 'content_filter'],
  ['IMAGE_PROHIBITED_CONTENT', 'content_filter'],
  ['IMAGE_RECITATION', 'content_filter'],
  ['MODEL_ARMOR', 'content_filter'],
]);

function finishReasonFrom(reason: unknown, hasToolCalls: boolean): string {
  return finishReasons.get(reason) ?? (hasToolCalls ? 'tool_calls' : 'stop');
}

function refusalFrom(candidate: JsonObject): string {
  return textOf(candidate.finishMessage) ?? `The answer was stopped: ${textOf(candidate.finishReason)}.`;
}

function logprobsFrom(result: JsonObject | null): object | null {
  if (!result) return null;
  const tops = listOf(result.topCandidates);
  const content = listOf(result.chosenCandidates).map((chosen, index) => ({
    ...tokenFrom(chosen),
    top_logprobs: listOf(tops[index]?.candidates).map(tokenFrom),
  }));
  return { content, refusal: null };
}

function tokenFrom(candidate: JsonObject): object {
  const token = typeof candidate.token === 'string' ? candidate.token : '';
  return { token, logprob: candidate.logProbability ?? 0, bytes: [...Buffer.from(token)] };
}

/**
 * Thoughts are paid for as output; what a tool brought in, as input. Source: `GenerateContentResponse.UsageMetadata`,
 * https://ai.google.dev/api/generate-content, from memory.
 */
export function usageFrom(metadata: JsonObject | null): Usage {
  const inputOf = (modality: string) =>
    tokensOfModality(metadata?.promptTokensDetails, modality) +
    tokensOfModality(metadata?.toolUsePromptTokensDetails, modality);
  return usageOf({
    input: countOf(metadata?.promptTokenCount) + countOf(metadata?.toolUsePromptTokenCount),
    cached: countOf(metadata?.cachedContentTokenCount),
    inputAudio: inputOf('AUDIO'),
    inputImage: inputOf('IMAGE'),
    cachedAudio: tokensOfModality(metadata?.cacheTokensDetails, 'AUDIO'),
    cachedImage: tokensOfModality(metadata?.cacheTokensDetails, 'IMAGE'),
    output: countOf(metadata?.candidatesTokenCount) + countOf(metadata?.thoughtsTokenCount),
    reasoning: countOf(metadata?.thoughtsTokenCount),
    outputAudio: tokensOfModality(metadata?.candidatesTokensDetails, 'AUDIO'),
    outputImage: tokensOfModality(metadata?.candidatesTokensDetails, 'IMAGE'),
  });
}

function tokensOfModality(details: unknown, modality: string): number {
  return listOf(details).reduce(
    (sum, entry) => (entry.modality === modality ? sum + countOf(entry.tokenCount) : sum),
    0,
  );
}
