import type { JsonObject } from '../../core/request-line.ts';
import type { Warning } from '../provider.ts';

/** Ends the translation of one line from wherever it is; `throughChat` catches it and answers with data. */
export class InexpressibleError extends Error {
  override readonly name = 'InexpressibleError';
  readonly code: 'invalid_request' | 'unsupported_parameter';
  readonly param: string;

  constructor(code: InexpressibleError['code'], param: string, message: string) {
    super(message);
    this.code = code;
    this.param = param;
  }
}

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
  invalid(place: string, expected: string): InexpressibleError {
    const param = this.param(place);
    return new InexpressibleError('invalid_request', param, `Invalid value for '${param}': expected ${expected}.`);
  }

  /** The line is right, and a chat completion would mean something else. */
  unsupported(place: string, advice: string): InexpressibleError {
    const param = this.param(place);
    const message = `This provider gets the line as a chat completion, which has nothing for '${param}': ${advice}, or route this line to a provider that has its endpoint.`;
    return new InexpressibleError('unsupported_parameter', param, message);
  }

  param(place: string): string {
    return `${this.root}.${place}`;
  }
}

/** Null stands for a parameter that is not set. */
export function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

/** The members that are set. */
export function present(members: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => !isAbsent(value)));
}
