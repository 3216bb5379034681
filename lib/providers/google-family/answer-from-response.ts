import { countOf, isAbsent, membersBeyond, objectOf, textOf } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import { type Usage, usageOf } from '../../records/usage.ts';
import type { AnswerChoice, AnswerPart, ChatAnswer } from '../shared/chat/chat-answer.ts';
import type { RequestFailure } from '../shared/forms/openai-line.ts';
import { timeMs } from '../shared/http/provider-time.ts';

/**
 * Reads a GenerateContentResponse that has candidates. Source: @google/genai 3.1 `GenerateContentResponse`.
 *
 * @param response its arguments of functions may hold numbers in their own spelling (`parseExact`).
 */
export function answerFromResponse(response: JsonObject, usage: Usage | null): ChatAnswer {
  return {
    maker: 'google',
    id: textOf(response.responseId),
    createdSeconds: createdSeconds(response.createTime),
    model: textOf(response.modelVersion),
    choices: listOf(response.candidates).map((each, place) => choiceFrom(each, place, response)),
    usage,
  };
}

export function hasCandidates(response: JsonObject): boolean {
  return listOf(response.candidates).length > 0;
}

/** Why there is no answer, where Google blocked the prompt; null where it does not say so. */
export function blockedPrompt({ promptFeedback }: JsonObject): RequestFailure | null {
  const feedback = objectOf(promptFeedback);
  const reason = textOf(feedback?.blockReason);
  if (!feedback || reason === null) return null;
  const said = textOf(feedback.blockReasonMessage);
  return {
    status: 400,
    code: 'content_filter',
    type: 'invalid_request_error',
    message: `Google blocked the prompt, ${reason}${said === null ? '.' : `: ${said}`}`,
    extra: { google: { promptFeedback: feedback } },
  };
}

/** Vertex says when it answered. */
function createdSeconds(createTime: unknown): number | null {
  const milliseconds = typeof createTime === 'string' ? timeMs(createTime) : Number.NaN;
  return Number.isNaN(milliseconds) ? null : Math.floor(milliseconds / 1000);
}

function listOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/**
 * Whether it says no more than most answers do: texts, thoughts and their signatures, ratings, and what is read as a count. None of these
 * holds numbers that go on in their own spelling.
 */
export function isPlain(response: JsonObject): boolean {
  return (
    !membersBeyond(response, saidOfResponse) &&
    listOf(response.candidates).every((candidate) => !membersBeyond(candidate, plainMembers) && holdsTexts(candidate))
  );
}

function holdsTexts(candidate: JsonObject): boolean {
  return partsOf(candidate).every((part) => !membersBeyond(part, textMembers));
}

function partsOf(candidate: JsonObject): JsonObject[] {
  return listOf(objectOf(candidate.content)?.parts);
}

/** What is said of the response as a whole stands with its first candidate. */
function choiceFrom(candidate: JsonObject, place: number, response: JsonObject): AnswerChoice {
  const own = partsOf(candidate);
  const parts = own.flatMap(partsFrom);
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
    extra: { ...(place === 0 && ofResponse(response)), ...extraOf(candidate, own) },
  };
}

/**
 * A part that says more than a chat completion can is kept whole beside what it says, its data left out. The signature of the thought
 * behind a call must come back with it. Source: @google/genai 3.1 `Part`.
 */
function partsFrom(part: JsonObject): AnswerPart[] {
  if (isObject(part.functionCall)) return [callFrom(part.functionCall, part)];
  if (typeof part.text === 'string') {
    const text: AnswerPart = { type: part.thought === true ? 'thinking' : 'text', text: part.text };
    return membersBeyond(part, textMembers) ? [text, { type: 'other', value: part }] : [text];
  }
  const shown = part.thought === true ? null : dataPartFrom(part);
  if (!shown) return saysMoreThanSignature(part) ? [{ type: 'other', value: part }] : [];
  const more = moreOfData(part);
  return more ? [shown, { type: 'other', value: more }] : [shown];
}

const textMembers: ReadonlySet<string> = new Set(['text', 'thought', 'thoughtSignature']);
const dataMembers: ReadonlySet<string> = new Set(['inlineData', 'thought', 'thoughtSignature']);
const mediaMembers: ReadonlySet<string> = new Set(['mimeType', 'data']);
const callPartMembers: ReadonlySet<string> = new Set(['functionCall', 'thought', 'thoughtSignature']);
const callMembers: ReadonlySet<string> = new Set(['id', 'name', 'args']);

function callFrom(call: JsonObject, part: JsonObject): AnswerPart {
  const signature = textOf(part.thoughtSignature);
  return {
    type: 'call',
    id: textOf(call.id),
    name: textOf(call.name) ?? '',
    argumentsJson: JSON.stringify(call.args ?? {}),
    extra: {
      ...membersBeyond(part, callPartMembers),
      ...membersBeyond(call, callMembers),
      ...(signature !== null && { thought_signature: signature }),
    },
  };
}

/** A picture, or sound; thoughts may hold some that are no part of the answer. */
function dataPartFrom(part: JsonObject): AnswerPart | null {
  const data = inlineDataOf(part);
  if (data?.mediaType.startsWith('image/')) return { type: 'picture', ...data };
  return data?.mediaType.startsWith('audio/') ? { type: 'audio', ...data } : null;
}

function moreOfData(part: JsonObject): JsonObject | null {
  const ofPart = membersBeyond(part, dataMembers);
  const ofData = membersBeyond(objectOf(part.inlineData) ?? {}, mediaMembers);
  return ofData ? { ...ofPart, inlineData: ofData } : ofPart;
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
const plainMembers: ReadonlySet<string> = new Set(['content', 'index', 'finishReason', 'tokenCount', 'safetyRatings']);
const plainReasons: ReadonlySet<unknown> = new Set([undefined, null, 'STOP', 'MAX_TOKENS']);

/** What else is said of a candidate: sources of what it says, ratings, signatures of thoughts behind its text. */
function extraOf(candidate: JsonObject, parts: readonly JsonObject[]): JsonObject {
  const extra: JsonObject = { ...membersBeyond(candidate, saidMembers) };
  if (!plainReasons.has(candidate.finishReason)) extra.finishReason = candidate.finishReason;
  const signatures = parts.flatMap((part) =>
    isObject(part.functionCall) ? [] : (textOf(part.thoughtSignature) ?? []),
  );
  if (signatures.length > 0) extra.thought_signature = signatures.length === 1 ? signatures[0] : signatures;
  return extra;
}

const saidOfResponse: ReadonlySet<string> = new Set([
  'candidates',
  'createTime',
  'modelVersion',
  'responseId',
  'sdkHttpResponse',
  'usageMetadata',
]);
const saidOfUsage: ReadonlySet<string> = new Set([
  'cacheTokensDetails',
  'cachedContentTokenCount',
  'candidatesTokenCount',
  'candidatesTokensDetails',
  'initialPromptTokenCount',
  'promptTokenCount',
  'promptTokensDetails',
  'thoughtsTokenCount',
  'toolUsePromptTokenCount',
  'toolUsePromptTokensDetails',
  'totalTokenCount',
]);

/** What is said of the response, such as ratings of its prompt. */
function ofResponse(response: JsonObject): JsonObject | null {
  const usageMetadata = membersBeyond(objectOf(response.usageMetadata) ?? {}, saidOfUsage);
  const others = membersBeyond(response, saidOfResponse);
  return usageMetadata ? { ...others, usageMetadata } : others;
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
  const sum = result.logProbabilitySum;
  return { content, refusal: null, ...(!isAbsent(sum) && { extra_content: { google: { logProbabilitySum: sum } } }) };
}

function tokenFrom({ token: given, tokenId, logProbability }: JsonObject): object {
  const token = typeof given === 'string' ? given : '';
  const extra = !isAbsent(tokenId) && { extra_content: { google: { tokenId } } };
  return { token, logprob: logProbability ?? 0, bytes: [...Buffer.from(token)], ...extra };
}

const countNames = ['promptTokenCount', 'candidatesTokenCount', 'thoughtsTokenCount', 'totalTokenCount'] as const;

/**
 * Thoughts are paid for as output; what a tool brought in, as input. Source: `GenerateContentResponse.UsageMetadata`,
 * https://ai.google.dev/api/generate-content, from memory.
 *
 * @returns null where it counts neither input nor output.
 */
export function usageFrom(metadata: JsonObject | null): Usage | null {
  if (!metadata || !countNames.some((name) => !isAbsent(metadata[name]))) return null;
  const inputOf = (modality: string) =>
    tokensOfModality(metadata.promptTokensDetails, modality) +
    tokensOfModality(metadata.toolUsePromptTokensDetails, modality);
  return usageOf({
    input: countOf(metadata.promptTokenCount) + countOf(metadata.toolUsePromptTokenCount),
    cached: countOf(metadata.cachedContentTokenCount),
    inputAudio: inputOf('AUDIO'),
    inputImage: inputOf('IMAGE'),
    cachedAudio: tokensOfModality(metadata.cacheTokensDetails, 'AUDIO'),
    cachedImage: tokensOfModality(metadata.cacheTokensDetails, 'IMAGE'),
    output: countOf(metadata.candidatesTokenCount) + countOf(metadata.thoughtsTokenCount),
    reasoning: countOf(metadata.thoughtsTokenCount),
    outputAudio: tokensOfModality(metadata.candidatesTokensDetails, 'AUDIO'),
    outputImage: tokensOfModality(metadata.candidatesTokensDetails, 'IMAGE'),
  });
}

function tokensOfModality(details: unknown, modality: string): number {
  if (isAbsent(details)) return 0;
  return listOf(details).reduce(
    (sum, entry) => (entry.modality === modality ? sum + countOf(entry.tokenCount) : sum),
    0,
  );
}
