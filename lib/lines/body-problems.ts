import * as z from 'zod/mini';
import type { Endpoint } from '../records/endpoints.ts';
import type { JsonObject } from '../records/json.ts';

/** Something in a request's body that its endpoint most likely refuses. */
export interface BodyProblem {
  /** Place within the body, such as `messages[0].content`. */
  param: string;
  /** A whole sentence, in the words of OpenAI's API. */
  message: string;
}

/** Of one body: what is wrong first is what the endpoint would name. */
const maxProblems = 3;

/** Optional members may be null, too. */
function maybe<Schema extends z.ZodMiniType>(schema: Schema) {
  return z.optional(z.nullable(schema));
}

/** A number within bounds; one that keeps its own spelling is not looked at further. */
function number(minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY) {
  return z.union([
    z.number().check(z.minimum(minimum), z.maximum(maximum)),
    z.custom((value) => JSON.isRawJSON(value)),
  ]);
}

const text = z.string();
const texts = z.union([text, z.array(text)]);
const object = z.looseObject({});
const list = z.array(z.unknown());
const someText = z.union([text, z.array(z.unknown()).check(z.minLength(1))]);

const part = z.looseObject({ type: z.enum(['text', 'image_url', 'input_audio', 'file', 'refusal']) });
const message = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: maybe(z.union([text, z.array(part)])),
  tool_calls: maybe(list),
});
const schemaFormat = z.looseObject({
  type: z.literal('json_schema'),
  json_schema: z.looseObject({ name: text, schema: maybe(object) }),
});
const plainFormat = z.looseObject({ type: z.enum(['text', 'json_object']) });

/** Members that sampling has at both text endpoints. */
const sampling = {
  temperature: maybe(number(0, 2)),
  top_p: maybe(number(0, 1)),
  metadata: maybe(object),
  user: maybe(text),
};

/**
 * What each endpoint requires, and the types of what it knows. Unknown members are never a problem: providers add to their APIs.
 * Source: https://github.com/openai/openai-openapi and https://platform.claude.com/docs/en/api/messages, read 2026-11.
 */
const schemas: Record<Endpoint, z.ZodMiniType> = {
  '/v1/chat/completions': z.looseObject({
    ...sampling,
    messages: z.array(message).check(z.minLength(1)),
    max_tokens: maybe(number(1)),
    max_completion_tokens: maybe(number(1)),
    n: maybe(number(1, 128)),
    stop: maybe(texts),
    frequency_penalty: maybe(number(-2, 2)),
    presence_penalty: maybe(number(-2, 2)),
    top_logprobs: maybe(number(0, 20)),
    logprobs: maybe(z.boolean()),
    seed: maybe(number()),
    tools: maybe(z.array(z.looseObject({ type: text }))),
    response_format: maybe(z.discriminatedUnion('type', [schemaFormat, plainFormat])),
  }),
  '/v1/responses': z
    .looseObject({
      ...sampling,
      input: maybe(z.union([text, list])),
      max_output_tokens: maybe(number(1)),
      instructions: maybe(z.union([text, list])),
      tools: maybe(z.array(z.looseObject({ type: text }))),
      text: maybe(object),
      reasoning: maybe(object),
    })
    .check(
      z.refine((body) => isOneOf(body, ['input', 'prompt', 'conversation']), {
        path: ['input'],
        params: { isMissing: true },
      }),
    ),
  '/v1/embeddings': z.looseObject({ input: someText, dimensions: maybe(number(1)), encoding_format: maybe(text) }),
  '/v1/completions': z.looseObject({
    ...sampling,
    prompt: someText,
    max_tokens: maybe(number(0)),
    n: maybe(number(1, 128)),
  }),
  '/v1/moderations': z.looseObject({ input: someText }),
  '/v1/images/generations': z.looseObject({
    prompt: text,
    n: maybe(number(1, 10)),
    size: maybe(text),
    quality: maybe(text),
  }),
  '/v1/images/edits': z.looseObject({ prompt: text, n: maybe(number(1, 10)) }),
  '/v1/videos': z.looseObject({ prompt: text }),
  '/v1/messages': z.looseObject({
    messages: z.array(z.looseObject({ role: text, content: z.union([text, list]) })).check(z.minLength(1)),
    max_tokens: maybe(number(1)),
    temperature: maybe(number(0, 1)),
    system: maybe(z.union([text, list])),
    stop_sequences: maybe(z.array(text)),
    tools: maybe(z.array(object)),
  }),
};

function isOneOf(body: Record<string, unknown>, names: readonly string[]): boolean {
  return names.some((name) => body[name] !== undefined && body[name] !== null);
}

/** Holds a body against what its endpoint requires. */
export function bodyProblems(endpoint: Endpoint, body: JsonObject): BodyProblem[] {
  const read = schemas[endpoint].safeParse(body);
  return read.success ? [] : read.error.issues.slice(0, maxProblems).map((issue) => problemOf(issue, body));
}

type Issue = z.core.$ZodIssue;

function problemOf(issue: Issue, body: JsonObject): BodyProblem {
  const { path } = innermost(issue);
  const param = path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .slice(1);
  return { param, message: messageOf(issue, param, valueAt(body, path)) };
}

/** Of a union the issue that got furthest says most, where one option was meant: an array, say, with a wrong item. */
function innermost(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue;
  const inner = issue.errors.flat().toSorted((left, right) => right.path.length - left.path.length)[0];
  return inner && inner.path.length > 0 ? innermost({ ...inner, path: [...issue.path, ...inner.path] }) : issue;
}

function messageOf(outer: Issue, param: string, value: unknown): string {
  const issue = innermost(outer);
  if (value === undefined || (issue.code === 'custom' && issue.params?.isMissing === true))
    return `Missing required parameter: '${param}'.`;
  switch (issue.code) {
    case 'invalid_type':
      return `Invalid type for '${param}': expected ${withArticle(issue.expected)}, but got ${kindOf(value)} instead.`;
    case 'invalid_value':
      return `Invalid value for '${param}': expected one of ${issue.values.map((one) => `'${String(one)}'`).join(', ')}.`;
    case 'too_small':
      return `Invalid '${param}': it is below the minimum of ${issue.minimum}.`;
    case 'too_big':
      return `Invalid '${param}': it is above the maximum of ${issue.maximum}.`;
    case 'invalid_union':
    case 'custom':
    case 'invalid_key':
    case 'invalid_format':
    case 'not_multiple_of':
    case 'unrecognized_keys':
    case 'invalid_element':
      return `Invalid type for '${param}': ${kindOf(value)} is not what stands there.`;
  }
}

function valueAt(body: unknown, path: readonly PropertyKey[]): unknown {
  let found = body;
  for (const step of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = Object.getOwnPropertyDescriptor(found, step)?.value;
  }
  return found;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : withArticle(typeof value);
}

function withArticle(name: string): string {
  return `${/^[aeio]/.test(name) ? 'an' : 'a'} ${name}`;
}
