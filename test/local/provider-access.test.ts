import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { parseConfig } from '../../lib/providers/config.ts';
import { openProviderAccess } from '../../local/provider-access.ts';

it('a key of Batchdrop in the environment is refused at start, since the stack would be its own provider', async () => {
  const text = JSON.stringify({ providers: { openai: { kind: 'openai', secret: 'openai' } } });
  const config = parseConfig(text, 'c.json', 'local');
  vi.stubEnv('OPENAI_API_KEY', `sk-batchdrop-${'a'.repeat(43)}`);
  const folder = mkdtempSync(join(tmpdir(), 'access-'));

  await expect(openProviderAccess(config, folder, {})).rejects.toThrow(
    /OPENAI_API_KEY holds a key of Batchdrop.*env -u OPENAI_API_KEY -u OPENAI_BASE_URL npm start/,
  );

  vi.unstubAllEnvs();
});
