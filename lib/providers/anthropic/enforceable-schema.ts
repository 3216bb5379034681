import { isObject } from '../../records/json.ts';

/**
 * Whether Anthropic can hold a model to a JSON schema: every object closed, nothing but these keywords. Source:
 * https://platform.claude.com/docs/en/build-with-claude/structured-outputs (JSON schema limitations), and the schema
 * transform of @anthropic-ai/sdk 1.11 for what the page leaves open.
 */
export function isEnforceable(schema: unknown): boolean {
  if (!isObject(schema)) return false;
  if (schema.type === 'object' && schema.additionalProperties !== false) return false;
  for (const keyword in schema) if (!judge(keyword, schema[keyword])) return false;
  return true;
}

function judge(keyword: string, value: unknown): boolean {
  return keywordJudges.get(keyword)?.(value) ?? false;
}

const formats: ReadonlySet<unknown> = new Set([
  'date-time',
  'time',
  'date',
  'duration',
  'email',
  'hostname',
  'uri',
  'ipv4',
  'ipv6',
  'uuid',
]);

const keywordJudges = new Map<string, (value: unknown) => boolean>([
  ['type', anything],
  ['title', anything],
  ['description', anything],
  ['default', anything],
  ['required', anything],
  ['const', anything],
  ['enum', (value) => Array.isArray(value) && value.every((item) => typeof item !== 'object' || item === null)],
  ['$ref', (value) => typeof value === 'string' && value.startsWith('#')],
  ['additionalProperties', (value) => value === false],
  ['format', (value) => formats.has(value)],
  ['minItems', (value) => value === 0 || value === 1],
  ['items', isEnforceable],
  ['anyOf', areAllEnforceable],
  ['allOf', areAllEnforceable],
  ['properties', areMembersEnforceable],
  ['$defs', areMembersEnforceable],
  ['definitions', areMembersEnforceable],
]);

function anything(): boolean {
  return true;
}

function areAllEnforceable(value: unknown): boolean {
  return Array.isArray(value) && value.every(isEnforceable);
}

function areMembersEnforceable(value: unknown): boolean {
  return isObject(value) && Object.values(value).every(isEnforceable);
}
