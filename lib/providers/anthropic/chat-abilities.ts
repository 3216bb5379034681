import type { ChatAbilities } from '../shared/chat/chat-request.ts';

/** What a Messages request can say of a chat completion. `thinking` is Anthropic's own, which its OpenAI-compatible API takes too; `betas` go in a header. */
export const messagesAbilities: ChatAbilities = {
  parameters: new Set([
    'stop',
    'tools',
    'tool_choice',
    'parallel_tool_calls',
    'response_format',
    'reasoning_effort',
    'user',
    'safety_identifier',
  ]),
  own: new Set(['thinking', 'betas']),
};
