import { isJsonObject, type JsonObject } from './json.ts';
import type { SeededRandom } from './seeded-random.ts';

/** Depth from which recursive schemas are brought to an end. */
const maxDepth = 6;

/** A JSON value that satisfies a JSON schema, in the subset that structured outputs and tool parameters use. */
export function valueOfSchema(schema: unknown, random: SeededRandom, hint: string): unknown {
  const root = isJsonObject(schema) ? schema : {};
  return new SchemaValues(root, random, hint).value(root, 0);
}

class SchemaValues {
  readonly #root: JsonObject;
  readonly #random: SeededRandom;
  /** Text that free strings are made of. */
  readonly #hint: string;

  constructor(root: JsonObject, random: SeededRandom, hint: string) {
    this.#root = root;
    this.#random = random;
    this.#hint = hint.trim().replace(/\s+/g, ' ').slice(0, 60) || 'text';
  }

  value(schema: unknown, depth: number): unknown {
    if (!isJsonObject(schema)) return this.#hint;
    if (typeof schema.$ref === 'string') return this.value(this.#resolve(schema.$ref), depth + 1);
    if ('const' in schema) return schema.const;
    if (Array.isArray(schema.enum)) return schema.enum[this.#random.below(schema.enum.length)];
    const union = schema.anyOf ?? schema.oneOf;
    if (Array.isArray(union)) return this.value(this.#branch(union, depth), depth + 1);
    if (Array.isArray(schema.allOf)) return this.value(merged(schema, schema.allOf), depth + 1);
    return this.#ofType(schema, depth);
  }

  #ofType(schema: JsonObject, depth: number): unknown {
    switch (typeOf(schema, depth)) {
      case 'object':
        return this.#object(schema, depth);
      case 'array':
        return this.#array(schema, depth);
      case 'integer':
        return Math.round(this.#number(schema, 1));
      case 'number':
        return this.#number(schema, 0.5);
      case 'boolean':
        return this.#random.next() < 0.5;
      case 'null':
        return null;
      default:
        return this.#string(schema);
    }
  }

  #object(schema: JsonObject, depth: number): JsonObject {
    const properties = isJsonObject(schema.properties) ? schema.properties : {};
    const required: unknown[] = Array.isArray(schema.required) ? schema.required : [];
    const value: JsonObject = {};
    for (const [name, property] of Object.entries(properties)) {
      // Optional ones are left out once deep, or a recursive schema would never end.
      if (required.includes(name) || depth < maxDepth) value[name] = this.value(property, depth + 1);
    }
    return value;
  }

  #array(schema: JsonObject, depth: number): unknown[] {
    const smallest = Number(schema.minItems ?? 0);
    const largest = Number(schema.maxItems ?? Number.POSITIVE_INFINITY);
    const wanted = depth >= maxDepth ? smallest : Math.max(smallest, 1 + this.#random.below(3));
    return Array.from({ length: Math.min(wanted, largest) }, () => this.value(schema.items ?? {}, depth + 1));
  }

  #number(schema: JsonObject, exclusiveStep: number): number {
    const above = boundOf(schema, 'minimum') ?? plus(boundOf(schema, 'exclusiveMinimum'), exclusiveStep);
    const below = boundOf(schema, 'maximum') ?? plus(boundOf(schema, 'exclusiveMaximum'), -exclusiveStep);
    const low = Math.ceil(above ?? Math.min(0, below ?? 0));
    const high = Math.floor(below ?? low + 100);
    const number = high < low ? (above ?? 0) : low + this.#random.below(high - low + 1);
    const multiple = boundOf(schema, 'multipleOf');
    return multiple === null ? number : Math.ceil(number / multiple) * multiple;
  }

  #string(schema: JsonObject): string {
    const formatted = this.#formatted(schema.format);
    if (formatted !== null) return formatted;
    const smallest = Number(schema.minLength ?? 0);
    const largest = Number(schema.maxLength ?? Number.POSITIVE_INFINITY);
    return this.#hint.padEnd(smallest, '.').slice(0, largest);
  }

  #formatted(format: unknown): string | null {
    const day = String(1 + this.#random.below(28)).padStart(2, '0');
    switch (format) {
      case 'date':
        return `2026-03-${day}`;
      case 'date-time':
        return `2026-03-${day}T12:00:00Z`;
      case 'time':
        return '12:00:00Z';
      case 'duration':
        return 'P1D';
      case 'email':
        return `user${this.#random.below(1000)}@example.com`;
      case 'hostname':
        return 'example.com';
      case 'ipv4':
        return '192.0.2.1';
      case 'ipv6':
        return '2001:db8::1';
      case 'uri':
        return 'https://example.com/';
      case 'uuid':
        return `${this.#random.hex(8)}-${this.#random.hex(4)}-4${this.#random.hex(3)}-8${this.#random.hex(3)}-${this.#random.hex(12)}`;
      default:
        return null;
    }
  }

  /** One branch of a union; once deep the one that ends soonest. */
  #branch(branches: unknown[], depth: number): unknown {
    if (depth < maxDepth) return branches[this.#random.below(branches.length)];
    return (
      branches.find((branch) => isJsonObject(branch) && !('$ref' in branch) && branch.type !== 'object') ?? branches[0]
    );
  }

  /** `#` or `#/$defs/Name` */
  #resolve(reference: string): unknown {
    let found: unknown = this.#root;
    for (const part of reference.split('/').slice(1)) {
      const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
      found = isJsonObject(found) ? found[name] : undefined;
    }
    return found;
  }
}

function typeOf(schema: JsonObject, depth: number): string {
  const type = schema.type;
  if (Array.isArray(type)) return depth >= maxDepth && type.includes('null') ? 'null' : String(type[0]);
  if (typeof type === 'string') return type.toLowerCase(); // Google's own schemas have capitals
  return 'properties' in schema ? 'object' : 'items' in schema ? 'array' : 'string';
}

function merged(schema: JsonObject, parts: unknown[]): JsonObject {
  const { allOf: _, ...rest } = schema;
  return Object.assign({}, rest, ...parts.filter(isJsonObject));
}

function boundOf(schema: JsonObject, name: string): number | null {
  const bound = schema[name];
  return typeof bound === 'number' ? bound : null;
}

function plus(bound: number | null, step: number): number | null {
  return bound === null ? null : bound + step;
}
