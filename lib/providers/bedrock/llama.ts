import { countOf, isAbsent, membersBeyond } from '../../lines/foreign-json.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import type { JsonObject } from '../../records/json.ts';
import { usageOf } from '../../records/usage.ts';
import type { RequestTarget } from '../contract.ts';
import type { ChatAbilities } from '../shared/chat/chat-request.ts';
import { parseChat } from '../shared/chat/parse-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import type { ChatReader } from './body.ts';
import { promptAnswer } from './completion.ts';
import { temperatureFrom } from './parameters.ts';
import { type TextConversation, textConversationFrom } from './prompt.ts';

const llamaAbilities: ChatAbilities = { parameters: new Set() };

/**
 * The body of Llama 3's models: one prompt of text, without tools or stop sequences. Source:
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-meta.html, read 2026-11.
 */
export function llamaBodyFromChat(request: RequestLine, _target: RequestTarget, notes: TranslationNotes): JsonObject {
  const chat = parseChat(request, llamaAbilities, notes);
  const temperature = temperatureFrom(chat, notes);
  return {
    prompt: promptOf(textConversationFrom(chat.messages, controls, notes)),
    max_gen_len: chat.maxTokens ?? mostTokens,
    ...(temperature !== undefined && { temperature }),
    ...(chat.topP && { top_p: chat.topP.spelled() }),
  };
}

/** Without a limit of the line's own, Bedrock would cut an answer at 512 tokens, and Llama takes no more than these. */
export const mostTokens = 2048;

const controls = /<\|\w+\|>/g;

/** Source: https://www.llama.com/docs/model-cards-and-prompt-formats/meta-llama-3/, from memory. */
function promptOf({ system, turns }: TextConversation): string {
  const all = system === '' ? turns : [{ role: 'system', text: system }, ...turns];
  const said = all.map(({ role, text }) => `${head(role)}${text}<|eot_id|>`).join('');
  return `<|begin_of_text|>${said}${head('assistant')}`;
}

function head(role: string): string {
  return `<|start_header_id|>${role}<|end_header_id|>\n\n`;
}

export const llamaReader: ChatReader = {
  isAnswer: ({ generation }) => typeof generation === 'string',
  usageOf: ({ prompt_token_count: input, generation_token_count: output }) =>
    isAbsent(input) && isAbsent(output) ? null : usageOf({ input: countOf(input), output: countOf(output) }),
  answerOf: (output, about) =>
    promptAnswer(output.generation, output.stop_reason, membersBeyond(output, saidMembers), about),
};

const saidMembers: ReadonlySet<string> = new Set([
  'generation',
  'prompt_token_count',
  'generation_token_count',
  'stop_reason',
]);
