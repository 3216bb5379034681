import { Ajv, type Options, type ValidateFunction } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { RE2JS } from 're2js';
import { messageOf } from '../records/errors.ts';
import { isObject, type JsonObject } from '../records/json.ts';
import type { ValueCheck } from './text-problem.ts';

/** Holds values against a schema, or says why it cannot. */
export type SchemaCheck = ValueCheck | { unchecked: string };

/** What a schema may be, so that compiling it takes milliseconds. */
const maxSchemaCharacters = 256 * 1024;
const maxSchemaDepth = 64;

/** Ajv asks for a text that tells one pattern from another, and for the code of a module that nobody writes here. */
const linearEngine = Object.assign(
  (pattern: string) => {
    const compiled = linearPattern(pattern);
    return { test: (text: string) => compiled.matcher(text).find(), toString: () => pattern };
  },
  { code: 'new RegExp' },
);

/** @throws Error for what needs more than linear time, such as a look ahead or a reference to a group. */
function linearPattern(pattern: string): RE2JS {
  return RE2JS.compile(RE2JS.translateRegExp(pattern));
}

const options: Options = {
  strict: false,
  validateFormats: false,
  code: { regExp: linearEngine },
  allErrors: false,
  logger: false,
};

/**
 * Compiles a JSON Schema by the dialect that it names: draft-07, 2019-09 or 2020-12, which also holds where it names none. Formats
 * are annotations. Patterns are run by an engine that takes linear time, whatever the pattern; what it does not know is not checked.
 */
export function compileCheck(schema: JsonObject): SchemaCheck {
  const problem = obstacleIn(schema);
  if (problem !== null) return { unchecked: problem };
  try {
    return checkBy(validatorOf(schema));
  } catch (error) {
    return { unchecked: `it is no schema that can be compiled (${messageOf(error).slice(0, 300)})` };
  }
}

function validatorOf(schema: JsonObject): ValidateFunction {
  const { $schema: dialect = '', ...rest } = schema;
  const name = String(dialect);
  if (/draft-07/.test(name)) return new Ajv(options).compile(rest);
  if (/2019-09/.test(name)) return new Ajv2019(options).compile(rest);
  if (name === '' || /2020-12/.test(name)) return new Ajv2020(options).compile(rest);
  throw new Error(`the dialect ${name.slice(0, 100)} is not known`);
}

function checkBy(validate: ValidateFunction): SchemaCheck {
  return {
    problemOf(value) {
      if (validate(value)) return null;
      const [error] = validate.errors ?? [];
      return `${error?.instancePath || 'it'} ${error?.message ?? 'is not of the schema'}`;
    },
  };
}

/** @returns why a schema is not compiled; null for one that is. */
function obstacleIn(schema: JsonObject): string | null {
  if (JSON.stringify(schema).length > maxSchemaCharacters) return `it has more than ${maxSchemaCharacters} characters`;
  return obstacleAt(schema, 0);
}

/** Keywords whose values are data and no schemas. */
const dataKeywords: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples']);
/** Keywords whose members are schemas, whatever they are called. */
const namedSchemas: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  'dependentSchemas',
  'dependencies',
  '$defs',
  'definitions',
]);

/** @param value a schema, or a list of them. */
function obstacleAt(value: unknown, depth: number): string | null {
  if (typeof value !== 'object' || value === null) return null;
  if (depth > maxSchemaDepth) return `it is nested deeper than ${maxSchemaDepth} levels`;
  if (isObject(value) && typeof value.$ref === 'string' && !value.$ref.startsWith('#'))
    return 'it refers to another document';
  if (isObject(value)) for (const pattern of patternsOf(value)) if (!isLinear(pattern)) return patternObstacle(pattern);
  for (const [keyword, member] of Object.entries(value)) {
    if (isObject(value) && dataKeywords.has(keyword)) continue;
    const obstacle =
      isObject(value) && namedSchemas.has(keyword) && isObject(member)
        ? obstacleAt(Object.values(member), depth + 1)
        : obstacleAt(member, depth + 1);
    if (obstacle !== null) return obstacle;
  }
  return null;
}

function patternsOf({ pattern, patternProperties }: JsonObject): string[] {
  const names = isObject(patternProperties) ? Object.keys(patternProperties) : [];
  return typeof pattern === 'string' ? [pattern, ...names] : names;
}

function isLinear(pattern: string): boolean {
  try {
    linearPattern(pattern);
    return true;
  } catch {
    return false;
  }
}

function patternObstacle(pattern: string): string {
  return `it holds the pattern '${pattern.slice(0, 100)}', which cannot be run in linear time`;
}
