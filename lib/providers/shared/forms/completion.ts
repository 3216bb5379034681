import { membersBeyond, objectOf, textOf } from '../../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../../records/json.ts';

/** The one answer of a chat completion. */
export interface FirstChoice {
  choice: JsonObject;
  message: JsonObject;
  finishReason: string | null;
  logprobs: JsonObject | null;
}

/** @returns null where there is none. Neither Responses nor Messages can ask for several. */
export function answerOf(completion: JsonObject): FirstChoice | null {
  const [choice]: unknown[] = Array.isArray(completion.choices) ? completion.choices : [];
  const message = isObject(choice) ? objectOf(choice.message) : null;
  if (!isObject(choice) || !message) return null;
  return { choice, message, finishReason: textOf(choice.finish_reason), logprobs: objectOf(choice.logprobs) };
}

export function toolCallsOf(message: JsonObject): JsonObject[] {
  const calls: unknown[] = Array.isArray(message.tool_calls) ? message.tool_calls : [];
  return calls.filter(isObject);
}

/** Members of a chat completion that every other form of answer has, by their place. */
const saidOfCompletion: ReadonlySet<string> = new Set([
  'id',
  'object',
  'created',
  'model',
  'choices',
  'usage',
  'service_tier',
]);
const saidOfChoice = ['index', 'message', 'finish_reason'] as const;
const saidOfMessage = [
  'role',
  'content',
  'refusal',
  'reasoning_content',
  'reasoning',
  'tool_calls',
  'images',
  'audio',
  'extra_content',
] as const;

/** What another form of answer says, too. */
export interface SaidMembers {
  ofChoice: ReadonlySet<string>;
  ofMessage: ReadonlySet<string>;
}

export function saidBeside(ofChoice: readonly string[], ofMessage: readonly string[]): SaidMembers {
  return { ofChoice: new Set([...saidOfChoice, ...ofChoice]), ofMessage: new Set([...saidOfMessage, ...ofMessage]) };
}

/**
 * `extra_content`: what the provider said besides, and under `chat_completion` what only a chat completion has a place for.
 *
 * @param unsaid members of the choice that are said in part, without that part.
 */
export function extraContentOf(
  completion: JsonObject,
  { choice, message }: FirstChoice,
  said: SaidMembers,
  unsaid: JsonObject | null = null,
): JsonObject | null {
  const ofCompletion = membersBeyond(completion, saidOfCompletion);
  const others = membersBeyond(choice, said.ofChoice);
  const ofChoice = others && unsaid ? { ...others, ...unsaid } : (others ?? unsaid);
  const ofMessage = membersBeyond(message, said.ofMessage);
  const given = objectOf(message.extra_content);
  if (!ofCompletion && !ofChoice && !ofMessage) return given;
  const beyond = { ...ofCompletion, ...(ofChoice && { choice: ofChoice }), ...(ofMessage && { message: ofMessage }) };
  return { ...given, chat_completion: beyond };
}
