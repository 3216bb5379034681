import { Ajv, type Options, type ValidateFunction } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { messageOf } from '../records/errors.ts';
import { isObject, type JsonObject } from '../records/json.ts';

/** Holds values against a schema, or says why it cannot. */
export type SchemaCheck = { problemOf(value: unknown): string | null } | { unchecked: string };

/** What a schema may be, so that compiling it takes milliseconds. */
const maxSchemaCharacters = 256 * 1024;
const maxSchemaDepth = 64;

const options: Options = {
  strict: false,
  validateFormats: false,
  allErrors: false,
  logger: false,
};

/**
 * Compiles a JSON Schema by the dialect that it names: draft-07, 2019-09 or 2020-12, which also holds where it names none. Formats
 * are annotations. Patterns are not run: a pattern may take exponential time.
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

function obstacleAt(value: unknown, depth: number): string | null {
  if (typeof value !== 'object' || value === null) return null;
  if (depth > maxSchemaDepth) return `it is nested deeper than ${maxSchemaDepth} levels`;
  if (isObject(value)) {
    if (typeof value.pattern === 'string' || isObject(value.patternProperties))
      return 'it holds a pattern, which is not run';
    if (typeof value.$ref === 'string' && !value.$ref.startsWith('#')) return 'it refers to another document';
  }
  for (const member of Object.values(value)) {
    const obstacle = obstacleAt(member, depth + 1);
    if (obstacle !== null) return obstacle;
  }
  return null;
}
