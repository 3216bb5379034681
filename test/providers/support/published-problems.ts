import { isObject } from '../../../lib/records/json.ts';
import type { Member, PublishedType } from './published-types.ts';

/**
 * Where a value is not of a published type: members that are missing, that are of another type, or that the type has not.
 *
 * @param path of the value, for the messages.
 */
export function problemsOf(type: PublishedType, value: unknown, path = ''): string[] {
  switch (type.kind) {
    case 'text':
      return typeof value === 'string' ? [] : [wrong(path, 'a text', value)];
    case 'number':
      return typeof value === 'number' ? [] : [wrong(path, 'a number', value)];
    case 'flag':
      return typeof value === 'boolean' ? [] : [wrong(path, 'true or false', value)];
    case 'literal':
      return value === type.value ? [] : [wrong(path, JSON.stringify(type.value), value)];
    case 'nothing':
      return value === null ? [] : [wrong(path, 'null', value)];
    case 'absent':
      return value === undefined ? [] : [wrong(path, 'absent', value)];
    case 'free':
    case 'unread':
      return [];
    case 'list':
      if (!Array.isArray(value)) return [wrong(path, 'a list', value)];
      return value.flatMap((item, place) => problemsOf(type.of(), item, `${path}[${place}]`));
    case 'union':
      return fewest(type.of.map((variant) => problemsOf(variant(), value, path)));
    case 'object':
      return isObject(value) ? objectProblems(type.members, value, path) : [wrong(path, 'an object', value)];
  }
}

/** Of the variants the one that the value is nearest to. */
function fewest(variants: readonly string[][]): string[] {
  return variants.toSorted((one, other) => one.length - other.length)[0] ?? [];
}

function objectProblems(members: readonly Member[], value: Record<string, unknown>, path: string): string[] {
  const names = new Set(members.map(({ name }) => name));
  const extra = Object.keys(value).filter((name) => !names.has(name));
  return [
    ...extra.map((name) => `${path}.${name} is no member`),
    ...members.flatMap(({ name, isOptional, type }) => {
      if (value[name] === undefined) return isOptional ? [] : [`${path}.${name} is missing`];
      return problemsOf(type(), value[name], `${path}.${name}`);
    }),
  ];
}

function wrong(path: string, wanted: string, value: unknown): string {
  return `${path} is ${JSON.stringify(value)?.slice(0, 80)} and not ${wanted}`;
}
