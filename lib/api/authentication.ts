import type { MiddlewareHandler } from 'hono';
import type { Services } from '../pipeline/services.ts';
import { tenantOfApiKey } from '../service/api-keys.ts';
import type { ApiEnvironment } from './api-environment.ts';
import { ApiError } from './api-error.ts';

/** How long a key that was good counts as good without another look: a revoked one stops within that time. */
const trustMs = 30_000;
const maxTrustedKeys = 1_000;

interface Trusted {
  tenant: string;
  untilMs: number;
}

/** Lets requests through whose bearer key is a tenant's, and notes the tenant. */
export function authentication(): MiddlewareHandler<ApiEnvironment> {
  const trusted = new Map<string, Trusted>();
  return async (context, next) => {
    const { services } = context.var;
    const key = bearerKey(context.req.header('authorization'));
    context.set('tenant', knownTenant(trusted, key, services.now()) ?? (await lookUp(trusted, services, key)));
    await next();
  };
}

/** @throws ApiError 401 */
function bearerKey(header: string | undefined): string {
  const [, key] = /^Bearer +(\S+) *$/i.exec(header ?? '') ?? [];
  if (key) return key;
  throw unauthorizedError(
    "You didn't provide an API key. Provide it in an Authorization header, as Authorization: Bearer YOUR_KEY.",
    null,
  );
}

function knownTenant(trusted: Map<string, Trusted>, key: string, nowMs: number): string | null {
  const known = trusted.get(key);
  return known && nowMs < known.untilMs ? known.tenant : null;
}

async function lookUp(trusted: Map<string, Trusted>, services: Services, key: string): Promise<string> {
  trusted.delete(key);
  const tenant = await tenantOfApiKey(services, key);
  if (tenant === null)
    throw unauthorizedError('Incorrect API key provided. `batchdrop keys create` makes one.', 'invalid_api_key');
  if (trusted.size >= maxTrustedKeys) trusted.clear();
  trusted.set(key, { tenant, untilMs: services.now() + trustMs });
  return tenant;
}

function unauthorizedError(message: string, code: string | null): ApiError {
  return new ApiError(401, message, { code, headers: { 'www-authenticate': 'Bearer' } });
}
