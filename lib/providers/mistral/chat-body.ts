import type { RequestLine } from '../../lines/request-line.ts';
import type { JsonObject } from '../../records/json.ts';
import type { ChatNumber, ChatRequest } from '../shared/chat/chat-request.ts';
import { parseChat } from '../shared/chat/parse-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { mistralAbilities } from './chat-abilities.ts';
import { messagesFrom } from './messages.ts';
import { responseFormatFrom, toolChoiceFrom, toolsFrom } from './tools.ts';

/**
 * A chat completion -> Mistral's body. Source: @mistralai/mistralai 2.7 `ChatCompletionRequest`.
 *
 * @throws UntranslatableError where the request cannot be expressed.
 */
export function chatBodyFrom(request: RequestLine, notes: TranslationNotes): JsonObject {
  const chat = parseChat(request, mistralAbilities, notes);
  const { maxTokens, format, effort, toolChoice, isParallel, prediction, stop } = chat;
  return {
    messages: messagesFrom(chat.messages, notes),
    ...Object.fromEntries(chat.own),
    ...(chat.tools.length > 0 && { tools: toolsFrom(chat.tools) }),
    ...(toolChoice && { tool_choice: toolChoiceFrom(toolChoice, notes) }),
    ...(isParallel !== null && { parallel_tool_calls: isParallel }),
    ...(format && { response_format: responseFormatFrom(format) }),
    ...(effort !== null && { reasoning_effort: effortFrom(effort, notes) }),
    ...spelled('temperature', temperatureFrom(chat.temperature, notes)),
    ...spelled('top_p', chat.topP),
    ...spelled('n', chat.n),
    ...(stop.length > 0 && { stop }),
    ...spelled('random_seed', seedFrom(chat, notes)),
    ...spelled('presence_penalty', chat.presencePenalty),
    ...spelled('frequency_penalty', chat.frequencyPenalty),
    ...(prediction !== null && { prediction: { type: 'content', content: prediction } }),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
  };
}

function spelled(name: string, number: Pick<ChatNumber, 'spelled'> | null): JsonObject {
  return number ? { [name]: number.spelled() } : {};
}

/** Source: mistralai/platform-docs-public, openapi.yaml, read 2026-11. */
const maxTemperature = 1.5;

function temperatureFrom(temperature: ChatNumber | null, notes: TranslationNotes): Pick<ChatNumber, 'spelled'> | null {
  if (temperature === null || temperature.value <= maxTemperature) return temperature;
  notes.change('body.temperature', `Mistral's highest is ${maxTemperature}`);
  return { spelled: () => maxTemperature };
}

/** The line's own `random_seed` holds where there is no other. */
function seedFrom({ seed, own }: ChatRequest, notes: TranslationNotes): ChatNumber | null {
  if (seed === null) return null;
  if (seed.value < 0) {
    notes.drop('body.seed', "Mistral's seeds are not negative");
    return null;
  }
  if (own.has('random_seed')) notes.drop('body.random_seed', "'seed' stands beside it");
  return seed;
}

function effortFrom(effort: NonNullable<ChatRequest['effort']>, notes: TranslationNotes): string {
  if (effort !== 'max') return effort;
  notes.change('body.reasoning_effort', "Mistral's highest is xhigh");
  return 'xhigh';
}
