import type { ConnectionSettings, Provider } from '../contract.ts';
import { type Dialect, expiringWays } from '../openai-family/dialect.ts';
import { familyMember } from '../openai-family/family.ts';
import { usualLimits, usualNotes, usualUse } from '../shared/defaults.ts';
import { openAIMaxOutput } from '../shared/max-output.ts';
import { openAIPictures } from '../shared/picture-tokens.ts';
import { type AzureSettings, azureSettings } from './settings.ts';

const service = 'Azure OpenAI';

const member = familyMember<AzureSettings>(service, ['/v1/chat/completions', '/v1/responses'], ({ auth }) => ({
  ...expiringWays,
  service,
  baseUrl: null,
  ...(auth === 'key' && { credentials: withApiKeyHeader }),
}));

/** The model of a line is the name of a Global-Batch deployment, which is free. */
export const azure = {
  ...member,
  kind: 'azure',
  settings: azureSettings,
  models: [],
  /**
   * Azure's price list has a price of its own for cached tokens in batches, by deployment type; without it here, no discount is assumed
   * for them. The account's own `prices`, or a bill, decide.
   */
  prices: { list: 'azure', batchDiscount: 0.5, undiscounted: { '*': ['cached', 'written'] } },
  /**
   * A batch of a Global-Batch deployment: 1 GB with a blob store of one's own, which we do not use. No model
   * for embeddings has such a deployment; a quota of enqueued tokens decides how many batches there may be. Source:
   * https://learn.microsoft.com/azure/foundry/openai/how-to/batch, read 2026-11.
   */
  limits: { ...usualLimits, maxRequests: 100_000 },
  key: 'required',
  packages: ['@azure/identity'],
  direct: { ...usualUse, keepsMetadata: true },
  notes: {
    ...usualNotes,
    title: 'Azure OpenAI',
    source: 'https://learn.microsoft.com/azure/ai-services/openai/how-to/batch',
  },
  maxOutputTokens: openAIMaxOutput,
  pictureTokens: openAIPictures,
  example: { model: 'my-deployment', settings: { baseUrl: 'http://127.0.0.1:9/openai/v1' } },
  connect: async (connection) => member.connect(await signedIn(connection)),
  live: async (connection) => member.live(await signedIn(connection)),
} as const satisfies Provider<AzureSettings>;

/** With tokens in place of the key where Entra ID gives them. */
async function signedIn(connection: ConnectionSettings<AzureSettings>): Promise<ConnectionSettings<AzureSettings>> {
  if (connection.config.auth === 'key') return connection;
  const { entraTokens } = await import('./entra-token.ts');
  return { ...connection, apiKey: entraTokens(connection) };
}

const withApiKeyHeader: Dialect['credentials'] = (secret) => ({
  apiKey: secret,
  defaultHeaders: { 'api-key': secret, authorization: null },
});
