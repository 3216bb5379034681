import { countOf, objectOf, textOf } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import { type Usage, usageOf } from '../../records/usage.ts';
import type { AnswerChoice, AnswerPart, ChatAnswer } from '../shared/chat/chat-answer.ts';
import { timeMs } from '../shared/http/provider-time.ts';

/**
 * Reads a GenerateContentResponse. Source: @google/genai 3.1 `GenerateContentResponse`.
 *
 * @param response its arguments of functions may hold numbers in their own spelling (`parseExact`).
 * @param lineId ours; names what Gemini leaves without an id.
 */
export function answerFromResponse(response: JsonObject, usage: Usage, lineId: string): ChatAnswer {
  const candidates = listOf(response.candidates);
  return {
    maker: 'google',
    id: textOf(response.responseId) ?? `chatcmpl-${lineId}`,
    createdSeconds: createdSeconds(response.createTime),
    model: textOf(response.modelVersion),
    choices:
      candidates.length > 0 ? candidates.map((each, place) => choiceFrom(each, place, lineId)) : [blocked(response)],
    usage,
  };
}

/** Whether it says what the model answered, or why it did not. */
export function isResponse(response: JsonObject): boolean {
  return listOf(response.candidates).length > 0 || textOf(objectOf(response.promptFeedback)?.blockReason) !== null;
}

/** Vertex says when it answered; elsewhere it is the time of this translation. */
function createdSeconds(createTime: unknown): number {
  const milliseconds = typeof createTime === 'string' ? timeMs(createTime) : Number.NaN;
  return Math.floor((Number.isNaN(milliseconds) ? Date.now() : milliseconds) / 1000);
}

function listOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function blocked(response: JsonObject): AnswerChoice {
  const feedback = objectOf(response.promptFeedback) ?? {};
  return {
    index: 0,
    parts: [],
    finish: 'content_filter',
    isExplained: true,
    refusal: textOf(feedback.blockReasonMessage) ?? `The prompt was blocked: ${textOf(feedback.blockReason)}.`,
    logprobs: null,
    extra: { promptFeedback: feedback },
  };
}

function choiceFrom(candidate: JsonObject, place: number, lineId: string): AnswerChoice {
  const own = listOf(objectOf(candidate.content)?.parts);
  const parts = own.flatMap((part, index) =>
    partsFrom(part, () => `call_${lineId}_${place}_${countCalls(own, index)}`),
  );
  const known = finishReasons.get(candidate.finishReason);
  const finish = known ?? (own.some(({ functionCall }) => isObject(functionCall)) ? 'tool_calls' : 'stop');
  const isSilenced = finish === 'content_filter' && !parts.some(({ type }) => type === 'text');
  return {
    index: typeof candidate.index === 'number' ? candidate.index : place,
    parts,
    finish,
    isExplained: known !== undefined || candidate.finishReason === 'STOP',
    refusal: isSilenced ? refusalFrom(candidate) : null,
    logprobs: logprobsFrom(objectOf(candidate.logprobsResult)),
    extra: extraOf(candidate, own),
  };
}

function countCalls(parts: readonly JsonObject[], end: number): number {
  let calls = 0;
  for (let index = 0; index < end; index += 1) if (isObject(parts[index]?.functionCall)) calls += 1;
  return calls;
}

/**
 * The signature of the thought behind a call must come back with it. Source: @google/genai 3.1 `Part`.
 *
 * @param ownId is asked where Gemini leaves a call without an id.
 */
function partsFrom(part: JsonObject, ownId: () => string): AnswerPart[] {
  if (isObject(part.functionCall)) return [callFrom(part.functionCall, part, ownId)];
  if (typeof part.text === 'string') return [{ type: part.thought === true ? 'thinking' : 'text', text: part.text }];
  const data = inlineDataOf(part);
  if (data?.mediaType.startsWith('image/')) return [{ type: 'picture', ...data }];
  if (data?.mediaType.startsWith('audio/')) return [{ type: 'audio', ...data }];
  return saysMoreThanSignature(part) ? [{ type: 'other', value: part }] : [];
}

function callFrom(call: JsonObject, part: JsonObject, ownId: () => string): AnswerPart {
  return {
    type: 'call',
    id: textOf(call.id) ?? ownId(),
    name: textOf(call.name) ?? '',
    argumentsJson: JSON.stringify(call.args ?? {}),
    thoughtSignature: textOf(part.thoughtSignature),
  };
}

function inlineDataOf({ inlineData }: JsonObject): { mediaType: string; base64: string } | null {
  const mediaType = isObject(inlineData) ? textOf(inlineData.mimeType) : null;
  const base64 = isObject(inlineData) ? textOf(inlineData.data) : null;
  return mediaType !== null && base64 !== null ? { mediaType, base64 } : null;
}

function saysMoreThanSignature(part: JsonObject): boolean {
  return Object.keys(part).some((name) => name !== 'thoughtSignature' && name !== 'thought');
}

/** Members of a candidate that a chat completion says itself. */
const saidMembers: ReadonlySet<string> = new Set(['content', 'index', 'finishReason', 'logprobsResult', 'tokenCount']);
const plainReasons: ReadonlySet<unknown> = new Set([undefined, null, 'STOP', 'MAX_TOKENS']);

/** What else is said of a candidate: sources of what it says, ratings, signatures of thoughts behind its text. */
function extraOf(candidate: JsonObject, parts: readonly JsonObject[]): JsonObject {
  const extra: JsonObject = {};
  for (const name in candidate) {
    const value = candidate[name];
    if (!saidMembers.has(name) && value !== undefined && value !== null) extra[name] = value;
  }
  if (!plainReasons.has(candidate.finishReason)) extra.finishReason = candidate.finishReason;
  const signatures = parts.flatMap((part) =>
    isObject(part.functionCall) ? [] : (textOf(part.thoughtSignature) ?? []),
  );
  if (signatures.length > 0) extra.thought_signature = signatures.length === 1 ? signatures[0] : signatures;
  return extra;
}

// Other reasons explain no empty answer. Source: @google/genai 3.1 `FinishReason`.
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
