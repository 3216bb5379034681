import type { RequestLine } from '../../lines/request-line.ts';
import type { Endpoint } from '../../records/endpoints.ts';
import type { JsonObject } from '../../records/json.ts';
import type { Usage } from '../../records/usage.ts';
import type { RequestTarget } from '../contract.ts';
import type { ChatAnswer } from '../shared/chat/chat-answer.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';

/**
 * Makes the body of a line, as a value or as JSON.
 *
 * @param notes receives what could not be taken, by parameter.
 * @throws UntranslatableError where the request cannot be expressed, RangeError where it is nested too deeply.
 */
export type BodyWriter = (request: RequestLine, target: RequestTarget, notes: TranslationNotes) => JsonObject | Buffer;

/** Reads what a model answers: a chat, or vectors in OpenAI's form. */
export type AnswerReader = ChatReader | EmbeddingReader;

interface OutputReader {
  isAnswer(output: JsonObject): boolean;
  /** Null where the answer does not say. */
  usageOf(output: JsonObject): Usage | null;
}

export interface ChatReader extends OutputReader {
  /** @param output its numbers may be in their own spelling (`parseExact`). */
  answerOf(output: JsonObject, about: AboutAnswer): ChatAnswer;
}

export interface EmbeddingReader extends OutputReader {
  bodyOf(output: JsonObject, about: AboutAnswer): object;
}

export interface AboutAnswer {
  /** As the provider calls it. */
  model: string | null;
  usage: Usage | null;
}

/** One family of models: how its lines are written, sent and read. */
export interface BodyFamily {
  /** As messages to people call it. */
  name: string;
  invocation: 'InvokeModel' | 'Converse';
  writers: Partial<Record<Endpoint, BodyWriter>>;
  reader: AnswerReader;
  /** The limit on output tokens that a body gets whose line names none; absent where it gets none. */
  sentOutputLimit?(model: string): number;
}
