import type { ProviderConfig } from '../config.ts';
import type { ConnectionSettings, Provider } from '../contract.ts';
import { type Dialect, expiringWays } from '../openai-family/dialect.ts';
import { familyMember } from '../openai-family/family.ts';
import { lazyClient, lazyLiveClient } from '../shared/http/lazy-client.ts';
import { directUse, limits, notes } from './limits.ts';

const service = 'Azure OpenAI';

const member = familyMember({
  kind: 'azure',
  service,
  limits,
  endpoints: ['/v1/chat/completions', '/v1/responses'],
  direct: directUse,
  notes,
  dialectOf: (config) => ({
    ...expiringWays,
    service,
    baseUrl: null,
    ...(!usesEntra(config) && { credentials: withApiKeyHeader }),
  }),
});

/** The model of a line is the name of a Global-Batch deployment. */
export const azure: Provider = {
  ...member,
  connect: (settings) => lazyClient(async () => member.connect(await signedIn(settings))),
  live: (settings) => lazyLiveClient(async () => member.live(await signedIn(settings))),
};

/** With tokens in place of the key where Entra ID gives them. */
async function signedIn(settings: ConnectionSettings): Promise<ConnectionSettings> {
  if (!usesEntra(settings.config)) return settings;
  const { entraTokens } = await import('./entra-token.ts');
  return { ...settings, apiKey: entraTokens(settings) };
}

function usesEntra(config: ProviderConfig): boolean {
  return config.kind === 'azure' && config.auth === 'entra';
}

const withApiKeyHeader: Dialect['credentials'] = (secret) => ({
  apiKey: secret,
  defaultHeaders: { 'api-key': secret, authorization: null },
});
