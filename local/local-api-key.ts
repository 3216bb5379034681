import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ApiKeyServices, createApiKey, findApiKey, makeOperator } from '../lib/service/api-keys.ts';

/** Whose key it is, and where drops without a tenant's folder go. */
const tenant = 'default';

/** The local stack's own API key, the same from start to start: it lies in the data folder, for its owner only, who operates the stack. */
export async function localApiKey(dataDir: string, services: ApiKeyServices): Promise<string> {
  const file = join(dataDir, 'api-key');
  const known = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  const record = await findApiKey(services, known);
  if (record?.tenant === tenant) {
    await makeOperator(services, record);
    return known;
  }
  const { key } = await createApiKey(services, tenant, 'local', 'operator');
  writeFileSync(file, `${key}\n`, { mode: 0o600 });
  return key;
}
