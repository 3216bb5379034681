import { randomBytes } from 'node:crypto';
import { creationTimes, type Services } from '../pipeline/services.ts';
import { type ApiKeyRecord, type ApiKeyRole, apiKeyPrefix } from '../records/api-key.ts';
import { sha256 } from '../records/digest.ts';
import { InvalidInputError, NotFoundError } from '../records/errors.ts';
import { tenantPattern } from '../records/ids.ts';

/** All that keys need: whoever may write the table can make the first one. */
export type ApiKeyServices = Pick<Services, 'apiKeys' | 'now'>;

/** What we make, and nothing longer: hashing costs. */
const keyPattern = /^sk-batchdrop-[A-Za-z0-9_-]{43}$/;

export interface NewApiKey {
  /** Shown once: only its digest is kept. */
  key: string;
  record: ApiKeyRecord;
}

/**
 * Makes an API key of a tenant.
 *
 * @param name for people: whose or what it is for.
 */
export async function createApiKey(
  services: ApiKeyServices,
  tenant: string,
  name: string,
  role: ApiKeyRole = 'tenant',
): Promise<NewApiKey> {
  if (!tenantPattern.test(tenant))
    throw new InvalidInputError('invalid_tenant', `'${tenant}' is no tenant's name: use a-z, 0-9, _ and -.`);
  const key = apiKeyPrefix + randomBytes(32).toString('base64url');
  const record: ApiKeyRecord = {
    hash: sha256(key),
    id: `key_${randomBytes(8).toString('hex')}`,
    version: 0,
    tenant,
    name,
    role,
    ...creationTimes(services),
    revokedAt: null,
  };
  await services.apiKeys.create(record);
  return { key, record };
}

/** A tenant's keys, revoked ones too, newest first. */
export async function listApiKeys(services: ApiKeyServices, tenant: string): Promise<ApiKeyRecord[]> {
  return Array.fromAsync(services.apiKeys.list(tenant));
}

/**
 * Makes a key useless; where it was used just now, within half a minute.
 *
 * @throws NotFoundError
 */
export async function revokeApiKey(services: ApiKeyServices, tenant: string, keyId: string): Promise<ApiKeyRecord> {
  const found = (await listApiKeys(services, tenant)).find((key) => key.id === keyId);
  if (!found) throw new NotFoundError(`Tenant '${tenant}' has no key '${keyId}'.`);
  const revokedAt = Math.floor(services.now() / 1_000);
  return services.apiKeys.update(found.hash, (key) => (key.revokedAt === null ? { ...key, revokedAt } : key));
}

/** Gives a key the rights of an operator. */
export async function makeOperator(services: ApiKeyServices, { hash }: ApiKeyRecord): Promise<void> {
  await services.apiKeys.update(hash, (key) => (key.role === 'operator' ? key : { ...key, role: 'operator' }));
}

/** @returns the key's record, or null where it is no key of ours, or revoked. */
export async function findApiKey(services: ApiKeyServices, key: string): Promise<ApiKeyRecord | null> {
  if (!keyPattern.test(key)) return null;
  const record = await services.apiKeys.find(sha256(key));
  return record && record.revokedAt === null ? record : null;
}
