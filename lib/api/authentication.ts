import type { MiddlewareHandler } from 'hono';
import type { Services } from '../pipeline/services.ts';
import type { ApiKeyRecord } from '../records/api-key.ts';
import { findApiKey } from '../service/api-keys.ts';
import type { ApiContext, ApiEnvironment } from './api-environment.ts';
import { ApiError } from './api-error.ts';

/** How long a key that was good counts as good without another look: a revoked one stops within that time. */
const trustMs = 30_000;
const maxTrustedKeys = 1_000;

interface Trusted {
  apiKey: ApiKeyRecord;
  untilMs: number;
}

/** Lets requests through whose key is a tenant's, as a bearer or as Anthropic's clients send it, and notes key and tenant. */
export function authentication(): MiddlewareHandler<ApiEnvironment> {
  const trusted = new Map<string, Trusted>();
  return async (context, next) => {
    const { services } = context.var;
    const key = keyOf(context);
    const apiKey = knownKey(trusted, key, services.now()) ?? (await lookUp(trusted, services, key));
    context.set('apiKeyId', apiKey.id);
    context.set('tenant', apiKey.tenant);
    context.set('role', apiKey.role ?? 'tenant');
    await next();
  };
}

/**
 * The key that a request brings.
 *
 * @throws ApiError 401
 */
export function keyOf({ req }: Pick<ApiContext, 'req'>): string {
  return givenKey(req.header('x-api-key'), req.header('authorization'));
}

/** @throws ApiError 401, also where two keys are given: which one was meant is not guessed. */
function givenKey(apiKey: string | undefined, authorization: string | undefined): string {
  const bearer = bearerIn(authorization);
  if (!apiKey) return bearer ?? missingKey();
  if (bearer === null || bearer === apiKey) return apiKey;
  const message =
    'x-api-key and Authorization carry different keys. Send one of them: with an official Anthropic client, unset either ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN.';
  throw unauthorizedError(message, 'invalid_api_key');
}

function bearerIn(header: string | undefined): string | null {
  return /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1] ?? null;
}

/** @throws ApiError 401 */
function missingKey(): never {
  throw unauthorizedError(
    "You didn't provide an API key. Provide it in an Authorization header, as Authorization: Bearer YOUR_KEY, or as x-api-key.",
    null,
  );
}

function knownKey(trusted: Map<string, Trusted>, key: string, nowMs: number): ApiKeyRecord | null {
  const known = trusted.get(key);
  return known && nowMs < known.untilMs ? known.apiKey : null;
}

async function lookUp(trusted: Map<string, Trusted>, services: Services, key: string): Promise<ApiKeyRecord> {
  trusted.delete(key);
  const apiKey = await findApiKey(services, key);
  if (apiKey === null)
    throw unauthorizedError('Incorrect API key provided. `batchdrop keys create` makes one.', 'invalid_api_key');
  if (trusted.size >= maxTrustedKeys) trusted.clear();
  trusted.set(key, { apiKey, untilMs: services.now() + trustMs });
  return apiKey;
}

function unauthorizedError(message: string, code: string | null): ApiError {
  return new ApiError(401, message, { code, headers: { 'www-authenticate': 'Bearer' } });
}
