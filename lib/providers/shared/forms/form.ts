import type { Endpoint } from '../../../records/endpoints.ts';
import type { JsonObject } from '../../../records/json.ts';
import type { Usage } from '../../../records/usage.ts';
import type { LineNotes } from './notes.ts';

/** A way of asking for what a chat completion gives, too. Both directions are pure. */
export interface Form {
  endpoint: Endpoint;
  /**
   * @param request numbers that JavaScript would spell otherwise are opaque in it (`parseExact`).
   * @throws UntranslatableError where a chat completion would mean something else, RangeError for too deep a nesting.
   */
  chatFrom(request: JsonObject, notes: LineNotes): ChatDraft;
  /** @returns the answer as this endpoint gives it; null for what is no chat completion. */
  answerFrom(completion: JsonObject, usage: Usage | null): object | null;
  /** What chat completions call otherwise, the first match counts: their place, and the place here. */
  places: readonly (readonly [RegExp, string])[];
}

export interface ChatDraft {
  /** The body of the chat completion, without its model. */
  body: JsonObject;
  /** Whether the effort `none` only says that no thinking was asked for. */
  asksForNoThinking?: boolean;
  /** Places that depend on how the request was written; they count before the form's own. */
  places?: Form['places'];
  /** For each message, where in the request it comes from. */
  origins: readonly string[];
}
