import { z } from 'zod';
import { downloadType } from '../records/attachment.ts';
import { errorResponseSchema } from './api-error.ts';
import { type Operation, operations } from './operations.ts';

type Json = Record<string, unknown>;

const componentPrefix = '#/components/schemas/';

/** The API's description in OpenAPI 3.1, made of the schemas that parse its requests. */
export function openApiDocument(version: string): Json {
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Batchdrop',
      version,
      description: "Batches of LLM requests, in the shape of OpenAI's batch, file and upload API.",
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    paths,
    components: { schemas: components(), securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
  };
}

/** All schemas that have a name, their requests and answers apart where defaults make them differ. */
function components(): Json {
  const requests = z.registry<{ id: string }>();
  const answers = z.registry<{ id: string }>();
  for (const { json, form, answer } of operations) {
    for (const schema of [json, form]) register(requests, schema);
    if (answer !== 'bytes') register(answers, answer);
  }
  register(answers, errorResponseSchema);
  return { ...toComponents(requests, 'input'), ...toComponents(answers, 'output') };
}

function toComponents(registry: z.core.$ZodRegistry<{ id: string }>, io: 'input' | 'output'): Json {
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => componentPrefix + id, io });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $id: _place, $schema: _dialect, ...schema }]) => [name, schema]),
  );
}

function register(registry: z.core.$ZodRegistry<{ id: string }>, schema: z.ZodType | undefined): void {
  if (schema && !registry.has(schema)) registry.add(schema, { id: nameOf(schema) });
}

function nameOf(schema: z.ZodType): string {
  const { id } = schema.meta() ?? {};
  if (id === undefined) throw new Error('A schema of the API has no name.');
  return id;
}

function describe(operation: Operation): Json {
  return {
    operationId: operation.id,
    summary: operation.summary,
    ...(operation.isOpen && { security: [] }),
    parameters: [...pathParameters(operation.path), ...queryParameters(operation.query)],
    ...requestBody(operation),
    responses: { ...success(operation), default: { description: 'An error', content: jsonOf(errorResponseSchema) } },
  };
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodObject | undefined): Json[] {
  if (!query) return [];
  const { properties = {} } = z.toJSONSchema(query, { io: 'input' });
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: false,
    // As in `metadata[team]=search`.
    ...(isObjectSchema(schema) && { style: 'deepObject', explode: true }),
    schema,
  }));
}

function isObjectSchema(schema: z.core.JSONSchema._JSONSchema): boolean {
  return typeof schema === 'object' && schema.type === 'object';
}

function requestBody({ json, form }: Operation): Json {
  if (json) return { requestBody: { required: true, content: jsonOf(json) } };
  if (form) return { requestBody: { required: true, content: { 'multipart/form-data': { schema: reference(form) } } } };
  return {};
}

function success({ answer }: Operation): Json {
  if (answer !== 'bytes') return { 200: { description: 'OK', content: jsonOf(answer) } };
  const headers = { location: { schema: { type: 'string' }, description: 'Where the bytes are' } };
  return {
    200: { description: 'The bytes', content: { [downloadType]: { schema: { type: 'string', format: 'binary' } } } },
    302: { description: 'A link to the bytes, on another origin; the body says so', headers },
  };
}

function jsonOf(schema: z.ZodType): Json {
  return { 'application/json': { schema: reference(schema) } };
}

function reference(schema: z.ZodType): Json {
  return { $ref: componentPrefix + nameOf(schema) };
}
