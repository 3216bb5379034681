import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ApiKeyServices, createApiKey, findApiKey } from '../lib/service/api-keys.ts';

/** Whose key it is, and where drops without a tenant's folder go. */
const tenant = 'default';

/** The local stack's own API key, the same from start to start: it lies in the data folder, for its owner only. */
export async function localApiKey(dataDir: string, services: ApiKeyServices): Promise<string> {
  const file = join(dataDir, 'api-key');
  const known = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  if ((await findApiKey(services, known))?.tenant === tenant) return known;
  const { key } = await createApiKey(services, tenant, 'local');
  writeFileSync(file, `${key}\n`, { mode: 0o600 });
  return key;
}
