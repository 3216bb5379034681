import { isAbsent } from '../../../lines/foreign-json.ts';
import type { JsonObject } from '../../../records/json.ts';
import type { Warning } from '../../contract.ts';
import { UntranslatableError } from './untranslatable-error.ts';

/** What a translation could not take: a warning for each parameter, once for each place in the form. */
export class TranslationNotes {
  readonly #service: string;
  readonly #lack: string | undefined;
  /** Most requests have none. */
  #warnings: Map<string, Warning> | undefined;

  /**
   * @param service its name, for messages.
   * @param lack why a parameter is left out, unless another reason is given.
   */
  constructor(service: string, lack?: string) {
    this.#service = service;
    this.#lack = lack;
  }

  get warnings(): Warning[] {
    return this.#warnings ? [...this.#warnings.values()] : [];
  }

  drop(place: string, why = this.#lack ?? `${this.#service} has nothing like it`): void {
    const param = this.param(place);
    this.add({ param, code: 'parameter_dropped', message: `'${param}' was left out: ${why}.` });
  }

  change(place: string, how: string): void {
    const param = this.param(place);
    this.add({ param, code: 'parameter_changed', message: `'${param}' was changed: ${how}.` });
  }

  /**
   * @param names what the translation takes; every other member is left out.
   * @param place of one of several, or of all of them: `messages[0]` is said once, as `messages[]`.
   */
  dropOthers(value: JsonObject, names: ReadonlySet<string>, place: string): void {
    for (const name in value)
      if (!names.has(name) && !isAbsent(value[name])) this.drop(`${place.replaceAll(/\[\d+\]/g, '[]')}.${name}`);
  }

  /** Adds a warning, unless the parameter has one. */
  add(warning: Warning): void {
    this.#warnings ??= new Map();
    if (!this.#warnings.has(warning.param)) this.#warnings.set(warning.param, warning);
  }

  /** The line is right, and the service cannot do it. */
  unsupported(place: string, advice: string): UntranslatableError {
    const param = this.param(place);
    const message = `${this.#service} has nothing for '${param}': ${advice}, or route this line to another provider.`;
    return new UntranslatableError('unsupported_parameter', param, message);
  }

  /** The line is right, and its model does not take it. */
  refused(place: string, message: string): UntranslatableError {
    return new UntranslatableError('unsupported_parameter', this.param(place), `'${this.param(place)}': ${message}`);
  }

  /** The name of a place in messages. */
  param(place: string): string {
    return place;
  }
}
