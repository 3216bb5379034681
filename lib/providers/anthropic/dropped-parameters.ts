import type { JsonObject } from '../../core/request-line.ts';
import type { Warning } from '../provider.ts';

/** @param names what the translation takes; every other member becomes a warning, once for each place in the form. */
export function warnOfOthers(
  value: JsonObject,
  names: ReadonlySet<string>,
  path: string,
  warnings: Map<string, Warning>,
): void {
  for (const name in value) {
    if (names.has(name) || isAbsent(value[name])) continue;
    drop(`${path}.${name}`, warnings);
  }
}

export function drop(param: string, warnings: Map<string, Warning>, why = 'Anthropic has nothing like it'): void {
  const message = `'${param}' was left out: ${why}.`;
  if (!warnings.has(param)) warnings.set(param, { param, code: 'parameter_dropped', message });
}

export function change(param: string, warnings: Map<string, Warning>, how: string): void {
  const message = `'${param}' was changed: ${how}.`;
  if (!warnings.has(param)) warnings.set(param, { param, code: 'parameter_changed', message });
}

/** OpenAI takes null for a parameter that is not set. */
export function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}
