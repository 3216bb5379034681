import type { z } from 'zod';
import type { Endpoint } from '../records/endpoints.ts';
import { InvalidInputError, messageOf } from '../records/errors.ts';
import { isObject } from '../records/json.ts';
import { failure, type Outcome } from './result.ts';

/** What an answer is called in the request; a model may read it. */
const schemaName = 'answer';

/** What became of one request whose answer has a schema. */
export type ParsedOutcome<Body, Parsed> =
  | (Extract<Outcome<Body>, { succeeded: true }> & { parsed: Parsed })
  | (Extract<Outcome<Body>, { succeeded: false }> & { parsed: null });

/** Endpoints whose requests can ask for a schema. */
const schemaEndpoints: readonly Endpoint[] = ['/v1/chat/completions', '/v1/responses'];

/**
 * The members of a request that ask for answers of a schema, as the official client writes them.
 *
 * @throws InvalidInputError for a schema that no provider takes, or an endpoint without schemas.
 */
export async function schemaMembers(schema: z.ZodType, endpoint: Endpoint): Promise<object> {
  if (!schemaEndpoints.includes(endpoint))
    throw new InvalidInputError(
      'invalid_value',
      `${endpoint} has no schema of answers; ${schemaEndpoints.join(' and ')} have.`,
      {
        param: 'schema',
      },
    );
  const { zodResponseFormat, zodTextFormat } = await import('openai/helpers/zod');
  try {
    return endpoint === '/v1/responses'
      ? { text: { format: zodTextFormat(schema, schemaName) } }
      : { response_format: zodResponseFormat(schema, schemaName) };
  } catch (cause) {
    const message = `The schema cannot be sent: ${messageOf(cause)}`;
    throw new InvalidInputError('invalid_value', message, { param: 'schema', cause });
  }
}

/** Holds an answer against its schema. One that does not fit is a failed request; its body stands in the error. */
export function parsedOutcome<Body, Parsed>(
  outcome: Outcome<Body>,
  schema: z.ZodType<Parsed>,
): ParsedOutcome<Body, Parsed> {
  if (!outcome.succeeded) return { ...outcome, parsed: null };
  const text = answerText(outcome.response);
  const read = text === null ? { problem: 'it holds no text' } : parse(text, schema);
  if ('parsed' in read) return { ...outcome, parsed: read.parsed };
  const message = `The answer does not fit the schema: ${read.problem}.`;
  return {
    ...failure(message, { code: 'schema_mismatch', statusCode: 200, body: outcome.response }),
    parsed: null,
  };
}

function parse<Parsed>(text: string, schema: z.ZodType<Parsed>): { parsed: Parsed } | { problem: string } {
  try {
    const read = schema.safeParse(JSON.parse(text));
    if (read.success) return { parsed: read.data };
    const [issue] = read.error.issues;
    return { problem: `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'invalid'}` };
  } catch (error) {
    return { problem: `it is no JSON (${messageOf(error)})` };
  }
}

/** The text of a chat completion's first choice, or of a response's messages. */
function answerText(body: unknown): string | null {
  if (!isObject(body)) return null;
  if (Array.isArray(body.choices)) {
    const [choice] = body.choices as unknown[];
    const message = isObject(choice) && isObject(choice.message) ? choice.message : {};
    return typeof message.content === 'string' ? message.content : null;
  }
  const parts = listOf(body.output).flatMap((item) => listOf(isObject(item) ? item.content : null));
  const texts = parts.flatMap((part) => (isObject(part) && typeof part.text === 'string' ? [part.text] : []));
  return texts.length === 0 ? null : texts.join('');
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
