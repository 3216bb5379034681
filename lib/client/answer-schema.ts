import type { z } from 'zod';
import { verdictOn } from '../lines/verdict.ts';
import type { Endpoint } from '../records/endpoints.ts';
import { InvalidInputError, messageOf } from '../records/errors.ts';
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
  const found: Parsed[] = [];
  const verdict = verdictOn(outcome.response, (text) => {
    const read = parse(text, schema);
    if ('problem' in read) return read.problem;
    found.push(read.parsed);
    return null;
  });
  const [first] = found;
  if (verdict.usable && first !== undefined) return { ...outcome, parsed: first };
  const problem = verdict.usable ? 'it holds no text' : verdict.message;
  const message = `The answer does not fit the schema: ${problem}.`;
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
