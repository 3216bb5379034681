import { readFileSync } from 'node:fs';
import { z } from 'zod';

const text = readFileSync(new URL('../fixtures/openapi/openai-batch-api.json', import.meta.url), 'utf8');
const published = JSON.parse(text) as { answers: Record<string, string>; $defs: Record<string, object> };

const schemas = new Map(
  Object.keys(published.$defs).map((name) => [
    name,
    z.fromJSONSchema({ ...published.$defs[name], $defs: published.$defs } as Parameters<typeof z.fromJSONSchema>[0]),
  ]),
);

/** Operations whose answers were checked, so that a test can see that all were. */
export const checked = new Set<string>();

/** Throws where an answer is not what OpenAI's published description says. */
export async function checkAnswer(method: string, path: string, answer: Response): Promise<void> {
  const operation = `${method} ${operationPath(path)}`;
  const name = answer.status >= 400 ? 'ErrorResponse' : published.answers[operation];
  // Whoever has an answer already gets no body.
  if (name === undefined || answer.status === 304) return;
  const body = withoutNulls(await answer.clone().json());
  const result = schemas.get(name)?.safeParse(body);
  if (!result?.success)
    throw new Error(`${operation} ${answer.status}: ${JSON.stringify(body)} is no ${name}: ${result?.error}`);
  checked.add(answer.status >= 400 ? 'error' : operation);
}

export const publishedOperations = Object.keys(published.answers);

function operationPath(path: string): string {
  return path
    .replace(/^\/v1/, '')
    .replace(/^\/(batch|file|upload)(e?s)\/[^/]+/, (_, kind, plural) => `/${kind}${plural}/{${kind}_id}`)
    .replace(/\/retry$/, '/cancel'); // ours answers as cancel does
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const keepsNulls = 'message' in value && 'type' in value && 'code' in value; // the error body says null itself
  const fields = Object.entries(value).filter(([, field]) => keepsNulls || field !== null);
  return Object.fromEntries(fields.map(([name, field]) => [name, withoutNulls(field)]));
}
