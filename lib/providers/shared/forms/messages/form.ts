import type { Form } from '../form.ts';
import { messageFrom } from './answer.ts';
import { chatFromMessages } from './request.ts';

/** Source: https://platform.claude.com/docs/en/api/messages and @anthropic-ai/sdk 1.11 `MessageCreateParams`. */
export const messagesForm: Form = {
  endpoint: '/v1/messages',
  chatFrom: chatFromMessages,
  answerFrom: messageFrom,
  places: [
    [/^max_completion_tokens/, 'max_tokens'],
    [/^stop\b/, 'stop_sequences'],
    [/^reasoning_effort/, 'thinking'],
    [/^response_format(\.json_schema)?/, 'output_config.format'],
    [/^user\b/, 'metadata.user_id'],
    [/^parallel_tool_calls/, 'tool_choice.disable_parallel_tool_use'],
    [/^(tools\[\d*\])\.function\.parameters/, '$1.input_schema'],
    [/^(tools\[\d*\])\.function/, '$1'],
  ],
};
