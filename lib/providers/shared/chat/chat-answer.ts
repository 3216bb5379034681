import { numberFrom } from '../../../lines/exact-json.ts';
import type { JsonObject } from '../../../records/json.ts';
import type { Usage } from '../../../records/usage.ts';
import { completionUsage } from './completion-usage.ts';

/** A model's answer, read once from whatever form its provider has. */
export interface ChatAnswer {
  /** Whose form it was, as `extra_content` names it. */
  maker: 'anthropic' | 'google' | 'amazon' | 'mistral';
  id: string | null;
  /** Null where the provider does not say; then it is the time of this translation. */
  createdSeconds: unknown;
  model: string | null;
  choices: readonly AnswerChoice[];
  /** Null where the provider does not say. */
  usage: Usage | null;
  /** Further members of the completion. */
  members?: JsonObject;
}

export interface AnswerChoice {
  index: unknown;
  /** In the order in which the model gave them. */
  parts: readonly AnswerPart[];
  finish: 'stop' | 'length' | 'tool_calls' | 'content_filter';
  /** Whether the provider said why it ended, in a way that may come with nothing said. */
  isExplained: boolean;
  refusal: string | null;
  /** Whether the provider wrote null where its text would stand. */
  saysNull?: boolean;
  logprobs: object | null;
  /** What else the provider said of it, by the provider's names. */
  extra?: JsonObject | null;
  /** Further members of the choice, and of its message. */
  members?: JsonObject;
  messageMembers?: JsonObject;
}

export type AnswerPart =
  | { type: 'text'; text: string }
  | { type: 'thinking'; text: string }
  | AnswerCall
  | { type: 'picture'; mediaType: string; base64: string }
  | { type: 'audio'; mediaType: string; base64: string }
  /** What a chat completion has no place for, as the provider wrote it. */
  | { type: 'other'; value: JsonObject };

export interface AnswerCall {
  type: 'call';
  /** Null where the provider gives it none. */
  id: string | null;
  name: string;
  /** JSON. */
  argumentsJson: string;
  /** What else the provider said of it, by the provider's names. */
  extra?: JsonObject | null;
}

/** Whether nothing came, and the provider did not say that this is the answer. */
export function isWithoutAnswer({ choices }: ChatAnswer): boolean {
  return choices.every((choice) => !choice.isExplained && saysNothing(choice));
}

function saysNothing({ parts, refusal }: AnswerChoice): boolean {
  return refusal === null && parts.every((part) => part.type === 'thinking' || (part.type === 'text' && !part.text));
}

/**
 * The chat completion. Pictures stand in `message.images`, as OpenRouter and LiteLLM have them, sound in `message.audio`; what
 * OpenAI has no member for is in `message.extra_content`, as Google's own compatible API has it. Source:
 * https://platform.openai.com/docs/api-reference/chat/object
 *
 * @param lineId ours; names what the provider leaves without an id.
 */
export function completionFrom(answer: ChatAnswer, lineId: string): JsonObject {
  const { createdSeconds, model, choices, usage, members } = answer;
  const id = answer.id ?? `chatcmpl-${lineId}`;
  return {
    ...members,
    id,
    object: 'chat.completion',
    created: numberFrom(createdSeconds) === null ? Math.floor(Date.now() / 1000) : createdSeconds,
    model,
    choices: choices.map((choice, place) =>
      choiceFrom(choice, { maker: answer.maker, id, calls: `${lineId}_${place}` }),
    ),
    ...(usage && { usage: completionUsage(usage) }),
  };
}

/** What the members of a choice are named by. */
interface Named {
  maker: ChatAnswer['maker'];
  id: string;
  /** Begins the ids of calls that have none. */
  calls: string;
}

function choiceFrom(choice: AnswerChoice, named: Named): JsonObject {
  const { index, logprobs, finish } = choice;
  return { ...choice.members, index, message: messageFrom(choice, named), logprobs, finish_reason: finish };
}

function messageFrom(choice: AnswerChoice, named: Named): JsonObject {
  const { maker, id } = named;
  const said = new SaidParts(named);
  for (const part of choice.parts) said.add(part);
  const { thinking, calls, pictures, audio, others } = said;
  const isSilent = choice.saysNull || choice.refusal !== null || calls.length > 0;
  const content = said.text ?? (isSilent ? null : '');
  const message: JsonObject = { ...choice.messageMembers, role: 'assistant', content, refusal: choice.refusal };
  if (thinking) message.reasoning_content = thinking;
  if (calls.length > 0) message.tool_calls = calls;
  if (pictures.length > 0) message.images = pictures;
  if (audio) message.audio = { id: `audio_${id}`, ...audio, expires_at: 0, transcript: '' };
  const extra = others.length > 0 ? { ...choice.extra, content: others } : choice.extra;
  if (extra && !isEmpty(extra)) message.extra_content = { [maker]: extra };
  return message;
}

function isEmpty(value: JsonObject): boolean {
  for (const _name in value) return false;
  return true;
}

/** What the parts of an answer become, each kind in its place. */
class SaidParts {
  readonly #named: Named;
  text: string | null = null;
  thinking = '';
  readonly calls: JsonObject[] = [];
  readonly pictures: JsonObject[] = [];
  audio: { data: string; format: string } | null = null;
  readonly others: JsonObject[] = [];

  constructor(named: Named) {
    this.#named = named;
  }

  add(part: AnswerPart): void {
    switch (part.type) {
      case 'text':
        this.text = (this.text ?? '') + part.text;
        break;
      case 'thinking':
        this.thinking += part.text;
        break;
      case 'call':
        this.calls.push(this.#callFrom(part));
        break;
      case 'picture':
        this.pictures.push({
          type: 'image_url',
          index: this.pictures.length,
          image_url: { url: `data:${part.mediaType};base64,${part.base64}` },
        });
        break;
      case 'audio':
        this.#addAudio(part.mediaType, part.base64);
        break;
      case 'other':
        this.others.push(part.value);
        break;
    }
  }

  #callFrom({ id, name, argumentsJson, extra }: AnswerCall): JsonObject {
    const { maker, calls } = this.#named;
    return {
      id: id ?? `call_${calls}_${this.calls.length}`,
      type: 'function',
      function: { name, arguments: argumentsJson },
      ...(extra && !isEmpty(extra) && { extra_content: { [maker]: extra } }),
    };
  }

  /** A message has one place for sound. */
  #addAudio(mediaType: string, data: string): void {
    if (this.audio) this.others.push({ audio: { format: mediaType, data } });
    else this.audio = { data, format: mediaType };
  }
}
