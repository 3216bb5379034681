import { isAbsent } from '../../../lines/foreign-json.ts';
import type { JsonObject } from '../../../records/json.ts';
import type { Warning } from '../../contract.ts';
import { UntranslatableError } from './untranslatable-error.ts';

/** What a translation could not take: a warning for each parameter, once for each place in the form. */
export class TranslationNotes {
  readonly #service: string;
  readonly #warnings = new Map<string, Warning>();

  /** @param service its name, for messages. */
  constructor(service: string) {
    this.#service = service;
  }

  get warnings(): Warning[] {
    return [...this.#warnings.values()];
  }

  drop(param: string, why = `${this.#service} has nothing like it`): void {
    this.#add({ param, code: 'parameter_dropped', message: `'${param}' was left out: ${why}.` });
  }

  change(param: string, how: string): void {
    this.#add({ param, code: 'parameter_changed', message: `'${param}' was changed: ${how}.` });
  }

  /** @param names what the translation takes; every other member is left out. */
  dropOthers(value: JsonObject, names: ReadonlySet<string>, path: string): void {
    for (const name in value) if (!names.has(name) && !isAbsent(value[name])) this.drop(`${path}.${name}`);
  }

  /** The line is right, and the service cannot do it. */
  unsupported(param: string, advice: string): UntranslatableError {
    const message = `${this.#service} has nothing for '${param}': ${advice}, or route this line to another provider.`;
    return new UntranslatableError('unsupported_parameter', param, message);
  }

  #add(warning: Warning): void {
    if (!this.#warnings.has(warning.param)) this.#warnings.set(warning.param, warning);
  }
}
