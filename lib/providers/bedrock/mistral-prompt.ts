import { membersBeyond } from '../../lines/foreign-json.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { RequestTarget } from '../contract.ts';
import type { ChatAbilities } from '../shared/chat/chat-request.ts';
import { parseChat } from '../shared/chat/parse-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import type { ChatReader } from './body.ts';
import { promptAnswer } from './completion.ts';
import { temperatureFrom } from './parameters.ts';
import { type TextConversation, textConversationFrom } from './prompt.ts';

const promptAbilities: ChatAbilities = { parameters: new Set(['stop']) };

/**
 * The body of Mistral's older models: one prompt of text, without tools. Source:
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-mistral-text-completion.html, read 2026-11.
 */
export function mistralPromptFromChat(
  request: RequestLine,
  { model }: RequestTarget,
  notes: TranslationNotes,
): JsonObject {
  const chat = parseChat(request, promptAbilities, notes);
  const temperature = temperatureFrom(chat, notes);
  return {
    prompt: promptOf(textConversationFrom(chat.messages, controls, notes)),
    max_tokens: chat.maxTokens ?? mostTokensOf(model),
    ...(chat.stop.length > 0 && { stop: chat.stop }),
    ...(temperature !== undefined && { temperature }),
    ...(chat.topP && { top_p: chat.topP.spelled() }),
  };
}

/** Without a limit of the line's own, Bedrock would cut most of these models' answers at 512 tokens. */
export function mostTokensOf(model: string): number {
  return model.includes('mixtral-8x7b') ? 4096 : 8192;
}

const controls = /\[\/?INST\]|<\/?s>/g;

/** There is no place for a system message but the first of the user's. */
function promptOf({ system, turns }: TextConversation): string {
  const [first, ...others] = turns;
  const asked = [system, first?.text].filter(Boolean).join('\n\n');
  const rest = others.map(({ role, text }) => (role === 'user' ? instruction(text) : ` ${text}</s> `));
  return `<s>${instruction(asked)}${rest.join('')}`;
}

function instruction(text: string): string {
  return `[INST] ${text} [/INST]`;
}

/** It does not say how many tokens it had. */
export const mistralPromptReader: ChatReader = {
  isAnswer: (output) => typeof firstOf(output)?.text === 'string',
  usageOf: () => null,
  answerOf: (output, about) => {
    const first = firstOf(output) ?? {};
    const others = { ...membersBeyond(output, saidMembers), ...membersBeyond(first, saidOfText) };
    return promptAnswer(first.text, first.stop_reason, others, about);
  },
};

const saidMembers: ReadonlySet<string> = new Set(['outputs']);
const saidOfText: ReadonlySet<string> = new Set(['text', 'stop_reason']);

function firstOf({ outputs }: JsonObject): JsonObject | null {
  const [first]: unknown[] = Array.isArray(outputs) ? outputs : [];
  return isObject(first) ? first : null;
}
