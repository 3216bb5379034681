import { isAbsent } from '../../../lines/foreign-json.ts';
import type { JsonObject } from '../../../records/json.ts';
import type { Warning } from '../../contract.ts';
import { invalid, UntranslatableError } from '../chat/untranslatable-error.ts';

/** What is to be said of one line that becomes a chat completion. Places count from the request: `tools[0].name`. */
export class LineNotes {
  /** Where the request stands in its line. */
  readonly root: 'body' | 'params';
  readonly #warnings = new Map<string, Warning>();

  constructor(root: LineNotes['root']) {
    this.root = root;
  }

  get warnings(): Warning[] {
    return [...this.#warnings.values()];
  }

  drop(place: string, why = 'chat completions have nothing like it'): void {
    const param = this.param(place);
    this.add({ param, code: 'parameter_dropped', message: `'${param}' was left out: ${why}.` });
  }

  change(place: string, how: string): void {
    const param = this.param(place);
    this.add({ param, code: 'parameter_changed', message: `'${param}' was changed: ${how}.` });
  }

  /** @param names what is read; every other member is dropped, once for each place in the form. */
  dropOthers(value: JsonObject, names: ReadonlySet<string>, place: string): void {
    for (const name in value) if (!names.has(name) && !isAbsent(value[name])) this.drop(`${place}.${name}`);
  }

  /** The first warning of a parameter stands. */
  add(warning: Warning): void {
    if (!this.#warnings.has(warning.param)) this.#warnings.set(warning.param, warning);
  }

  /** The line is wrong at any provider. */
  invalid(place: string, expected: string): UntranslatableError {
    return invalid(this.param(place), expected);
  }

  /** The line is right, and a chat completion would mean something else. */
  unsupported(place: string, advice: string): UntranslatableError {
    const param = this.param(place);
    const message = `This provider gets the line as a chat completion, which has nothing for '${param}': ${advice}, or route this line to a provider that has its endpoint.`;
    return new UntranslatableError('unsupported_parameter', param, message);
  }

  param(place: string): string {
    return `${this.root}.${place}`;
  }
}

/** The members that are set. */
export function present(members: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => !isAbsent(value)));
}
