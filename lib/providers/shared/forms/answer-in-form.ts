import { exactAnswer } from '../../../lines/exact-body.ts';
import { objectFrom, objectOf, textOf } from '../../../lines/foreign-json.ts';
import { errorOfMessage } from '../../../lines/message-error.ts';
import { safeText } from '../../../records/errors.ts';
import type { JsonObject } from '../../../records/json.ts';
import type { AnsweredLine, TranslatedResult } from '../../contract.ts';
import type { Form } from './form.ts';

type Answered = Extract<TranslatedResult, { kind: 'answered' }>;

/**
 * A result line with a chat completion -> the result line that the request asked for: the form's own answer, or Anthropic's
 * own error, in the wrapping of the request. Other failures in OpenAI's wrapping stay as they are.
 */
export function answerInForm(form: Form, line: AnsweredLine, answered: Answered): TranslatedResult {
  const chat = objectFrom(answered.bytes);
  const response = objectOf(chat?.response);
  if (!answered.succeeded) return chat ? failureInForm(form, line, answered, chat) : answered;
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

function failureInForm(form: Form, line: AnsweredLine, answered: Answered, chat: JsonObject): Answered {
  if (line.format === 'anthropic') return nativeFailure(line, answered, chat);
  const response = objectOf(chat.response);
  if (form.endpoint !== '/v1/messages' || !response) return answered;
  const whole = { ...chat, response: { ...response, body: errorFrom(chat) } };
  return { ...answered, bytes: Buffer.from(JSON.stringify(whole)) };
}

function nativeFailure(line: AnsweredLine, answered: Answered, chat: JsonObject): Answered {
  const result = erroredResult(chat);
  const error = objectOf(chat.error);
  return { ...answered, bytes: Buffer.from(JSON.stringify({ custom_id: line.customId, result, error })) };
}

/** Anthropic's result of a request that was refused or failed, from its result line in OpenAI's form. */
export function erroredResult(line: JsonObject): object {
  return { type: 'errored', error: errorFrom(line) };
}

function errorFrom(line: JsonObject): object {
  const response = objectOf(line.response);
  const own = objectOf(line.error);
  const theirs = objectOf(objectOf(response?.body)?.error);
  return errorOfMessage({
    status: response?.status_code,
    message: safeText(textOf(theirs?.message) ?? textOf(own?.message) ?? 'The provider refused this request.'),
    requestId: textOf(response?.request_id),
  });
}
