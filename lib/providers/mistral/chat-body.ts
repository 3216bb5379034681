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
  const body: JsonObject = { messages: messagesFrom(chat.messages, notes) };
  const spell = (name: string, number: Pick<ChatNumber, 'spelled'> | null) => {
    if (number) body[name] = number.spelled();
  };
  for (const [name, value] of chat.own) body[name] = value;
  if (chat.tools.length > 0) body.tools = toolsFrom(chat.tools);
  if (toolChoice) body.tool_choice = toolChoiceFrom(toolChoice, notes);
  if (isParallel !== null) body.parallel_tool_calls = isParallel;
  if (format) body.response_format = responseFormatFrom(format);
  if (effort !== null) body.reasoning_effort = effortFrom(effort, notes);
  spell('temperature', temperatureFrom(chat.temperature, notes));
  spell('top_p', chat.topP);
  spell('n', chat.n);
  if (stop.length > 0) body.stop = stop;
  spell('random_seed', seedFrom(chat, notes));
  spell('presence_penalty', chat.presencePenalty);
  spell('frequency_penalty', chat.frequencyPenalty);
  if (prediction !== null) body.prediction = { type: 'content', content: prediction };
  if (maxTokens !== undefined) body.max_tokens = maxTokens;
  return body;
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
