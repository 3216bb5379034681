import { isAbsent } from '../../../lines/foreign-json.ts';
import type { JsonObject } from '../../../records/json.ts';
import { TranslationNotes } from '../chat/translation-notes.ts';
import { invalid, UntranslatableError } from '../chat/untranslatable-error.ts';

/** The notes on a line that becomes a chat completion. Its places count from the request: `tools[0].name`. */
export class LineNotes extends TranslationNotes {
  /** Where the request stands in its line. */
  readonly root: 'body' | 'params';

  constructor(root: LineNotes['root']) {
    super('A chat completion', 'chat completions have nothing like it');
    this.root = root;
  }

  /** The line is wrong at any provider. */
  invalid(place: string, expected: string): UntranslatableError {
    return invalid(this.param(place), expected);
  }

  /** The line is right, and a chat completion would mean something else. */
  override unsupported(place: string, advice: string): UntranslatableError {
    const param = this.param(place);
    const message = `This provider gets the line as a chat completion, which has nothing for '${param}': ${advice}, or route this line to a provider that has its endpoint.`;
    return new UntranslatableError('unsupported_parameter', param, message);
  }

  override param(place: string): string {
    return `${this.root}.${place}`;
  }
}

/** The members that are set. */
export function present(members: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => !isAbsent(value)));
}
