import type { JsonObject } from '../../core/request-line.ts';
import { drop, isAbsent } from '../anthropic/dropped-parameters.ts';
import { UntranslatableError } from '../anthropic/untranslatable-error.ts';
import type { Warning } from '../provider.ts';

export type Warnings = Map<string, Warning>;

/** The line is right, and Gemini cannot do it. */
export function unsupported(param: string, advice: string): UntranslatableError {
  return new UntranslatableError(
    'unsupported_parameter',
    param,
    `Gemini has nothing for '${param}': ${advice}, or route this line to another provider.`,
  );
}

export function leaveOut(param: string, warnings: Warnings, why = 'Gemini has nothing like it'): void {
  drop(param, warnings, why);
}

/** @param names what the translation takes; every other member becomes a warning, once for each place in the form. */
export function leaveOutOthers(value: JsonObject, names: readonly string[], path: string, warnings: Warnings): void {
  for (const name in value) {
    if (!names.includes(name) && !isAbsent(value[name])) leaveOut(`${path}.${name}`, warnings);
  }
}
