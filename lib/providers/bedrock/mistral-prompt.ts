import { exactBody } from '../../lines/exact-body.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import type { AnswerReader } from './body.ts';
import { completionOf } from './completion.ts';
import { judgeParameters, samplingFrom } from './parameters.ts';
import { type TextConversation, textConversationFrom } from './prompt.ts';

/**
 * The body of Mistral's older models: one prompt of text, without tools. Source:
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-mistral-text-completion.html, read 2026-11.
 */
export function mistralPromptFromChat(request: RequestLine, model: string, notes: TranslationNotes): JsonObject {
  const { body } = request;
  judgeParameters(body, ['stop'], notes);
  const { maxTokens, temperature, topP, stop } = samplingFrom(body, exactBody(request), notes);
  return {
    prompt: promptOf(textConversationFrom(body.messages, controls, notes)),
    max_tokens: maxTokens ?? mostTokensOf(model),
    ...(stop.length > 0 && { stop }),
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { top_p: topP }),
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
export const mistralPromptReader: AnswerReader = {
  isAnswer: (output) => typeof firstOf(output)?.text === 'string',
  usageOf: () => null,
  bodyOf: (output, about) => {
    const first = firstOf(output);
    return completionOf({ content: first?.text }, first?.stop_reason === 'length' ? 'length' : 'stop', about);
  },
};

function firstOf({ outputs }: JsonObject): JsonObject | null {
  const [first]: unknown[] = Array.isArray(outputs) ? outputs : [];
  return isObject(first) ? first : null;
}
