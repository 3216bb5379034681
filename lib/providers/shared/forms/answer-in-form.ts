import { exactAnswer } from '../../../lines/exact-body.ts';
import { objectFrom, objectOf, textOf } from '../../../lines/foreign-json.ts';
import { safeText } from '../../../records/errors.ts';
import type { JsonObject } from '../../../records/json.ts';
import type { AnsweredLine, TranslatedResult } from '../../contract.ts';
import type { Form } from './form.ts';

type Answered = Extract<TranslatedResult, { kind: 'answered' }>;

/**
 * A result line with a chat completion -> the result line that the request asked for: the form's own answer, in the
 * wrapping of the request. A failure in OpenAI's wrapping stays as it is.
 */
export function answerInForm(form: Form, line: AnsweredLine, answered: Answered): TranslatedResult {
  const chat = objectFrom(answered.bytes);
  const response = objectOf(chat?.response);
  if (!answered.succeeded) return chat && line.format === 'anthropic' ? nativeFailure(line, answered, chat) : answered;
  if (!chat || !response) return unreadable;
  try {
    const body = exactAnswer(answered.bytes, ['response', 'body']) ?? objectOf(response.body) ?? {};
    const named = { ...body, id: textOf(body.id) ?? chat.id, model: textOf(body.model) ?? line.model };
    const answer = form.answerFrom(named, answered.usage);
    if (!answer) return unreadable;
    const whole =
      line.format === 'anthropic'
        ? { custom_id: line.customId, result: { type: 'succeeded', message: answer } }
        : { ...chat, response: { ...response, body: answer } };
    return { ...answered, bytes: Buffer.from(JSON.stringify(whole)) };
  } catch (error) {
    if (error instanceof RangeError) return unreadable;
    throw error;
  }
}

const unreadable: TranslatedResult = { kind: 'malformed', message: 'The result line holds no chat completion.' };

// Source: https://platform.claude.com/docs/en/api/errors
const errorTypeByStatus = new Map<unknown, string>([
  [401, 'authentication_error'],
  [402, 'billing_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [408, 'timeout_error'],
  [409, 'conflict_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [504, 'timeout_error'],
  [529, 'overloaded_error'],
]);

function errorTypeOf(status: unknown): string {
  const isRefusal = typeof status === 'number' && status >= 400 && status < 500;
  return errorTypeByStatus.get(status) ?? (isRefusal ? 'invalid_request_error' : 'api_error');
}

function nativeFailure(line: AnsweredLine, answered: Answered, chat: JsonObject): Answered {
  const result = erroredResult(chat);
  const error = objectOf(chat.error);
  return { ...answered, bytes: Buffer.from(JSON.stringify({ custom_id: line.customId, result, error })) };
}

/** Anthropic's result of a request that was refused or failed, from its result line in OpenAI's form. */
export function erroredResult(line: JsonObject): object {
  const response = objectOf(line.response);
  const own = objectOf(line.error);
  const theirs = objectOf(objectOf(response?.body)?.error);
  const message = safeText(textOf(theirs?.message) ?? textOf(own?.message) ?? 'The provider refused this request.');
  const error = { type: errorTypeOf(response?.status_code), message };
  return { type: 'errored', error: { type: 'error', error, request_id: textOf(response?.request_id) } };
}
