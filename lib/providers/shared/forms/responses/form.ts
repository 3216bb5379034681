import type { Form } from '../form.ts';
import { responseFrom } from './answer.ts';
import { chatFromResponses } from './request.ts';

/** Source: https://platform.openai.com/docs/api-reference/responses and openai 7.55 `ResponseCreateParams`. */
export const responsesForm: Form = {
  endpoint: '/v1/responses',
  chatFrom: chatFromResponses,
  answerFrom: responseFrom,
  places: [
    [/^messages/, 'input'],
    [/^max_completion_tokens/, 'max_output_tokens'],
    [/^reasoning_effort/, 'reasoning.effort'],
    [/^response_format(\.json_schema)?/, 'text.format'],
    [/^verbosity/, 'text.verbosity'],
    [/^logprobs/, 'top_logprobs'],
    [/^(tools\[\d*\])\.(function|custom)/, '$1'],
  ],
};
