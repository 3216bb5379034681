import { isAbsent } from '../../../lines/foreign-json.ts';
import type { RequestLine } from '../../../lines/request-line.ts';
import { type ChatBody, chatBodyOf } from './chat-body.ts';
import type { ChatAbilities, ChatRequest } from './chat-request.ts';
import { judgeParameters } from './judge-parameters.ts';
import { parseMessages } from './parse-messages.ts';
import {
  parseEffort,
  parseMaxTokens,
  parseModalities,
  parseNumber,
  parsePrediction,
  parseStop,
  parseUser,
  parseWholeNumber,
} from './parse-parameters.ts';
import { parseFormat, parseToolChoice, parseTools } from './parse-tools.ts';
import { parseFlag } from './parse-values.ts';
import type { TranslationNotes } from './translation-notes.ts';

/**
 * Parses the body of a chat completion.
 *
 * @param notes receives what the provider has no place for.
 * @throws UntranslatableError for what is wrong anywhere, or changes the answer and cannot be said there.
 */
export function parseChat(request: RequestLine, abilities: ChatAbilities, notes: TranslationNotes): ChatRequest {
  const source = chatBodyOf(request);
  const { body } = source;
  judgeParameters(body, abilities, notes);
  const has = (name: string) => abilities.parameters.has(name);
  return {
    messages: parseMessages(source, abilities, notes),
    tools: has('tools') ? parseTools(source, abilities, notes) : [],
    toolChoice: has('tool_choice') ? parseToolChoice(body.tool_choice, abilities, notes) : null,
    isParallel: has('parallel_tool_calls') ? parseFlag(body.parallel_tool_calls, 'body.parallel_tool_calls') : null,
    format: has('response_format') ? parseFormat(source, notes) : null,
    maxTokens: parseMaxTokens(body, notes),
    temperature: parseNumber(source, 'temperature', 0, 2),
    topP: parseNumber(source, 'top_p', 0, 1),
    presencePenalty: has('presence_penalty') ? parseNumber(source, 'presence_penalty', -2, 2) : null,
    frequencyPenalty: has('frequency_penalty') ? parseNumber(source, 'frequency_penalty', -2, 2) : null,
    seed: has('seed') ? parseWholeNumber(source, 'seed') : null,
    n: has('n') ? parseWholeNumber(source, 'n') : null,
    stop: has('stop') ? parseStop(body.stop) : [],
    effort: has('reasoning_effort') ? parseEffort(body.reasoning_effort) : null,
    logprobs: has('logprobs') && parseFlag(body.logprobs, 'body.logprobs') === true,
    topLogprobs: has('top_logprobs') ? parseWholeNumber(source, 'top_logprobs') : null,
    modalities: has('modalities') ? parseModalities(body.modalities) : [],
    prediction: has('prediction') ? parsePrediction(body.prediction, notes) : null,
    user: has('user') ? parseUser(body, notes) : null,
    own: ownOf(source, abilities.own),
  };
}

const none: ReadonlyMap<string, unknown> = new Map();

function ownOf({ body, exact }: ChatBody, names: ReadonlySet<string> | undefined): ReadonlyMap<string, unknown> {
  if (!names) return none;
  let own: Map<string, unknown> | undefined;
  for (const name in body) {
    if (!names.has(name) || isAbsent(body[name])) continue;
    own ??= new Map();
    own.set(name, exact(name));
  }
  return own ?? none;
}
