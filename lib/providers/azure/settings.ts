import { z } from 'zod';
import { accountSchema, requiredBaseUrl, type SettingsOf } from '../account.ts';

export const azureSettings = accountSchema
  .extend({
    kind: z.literal('azure'),
    /** The resource's, such as https://RESOURCE.openai.azure.com/openai/v1 */
    baseUrl: requiredBaseUrl,
    /** With `key` the secret is the resource's API key; with `entra` Microsoft Entra ID gives tokens. */
    auth: z.enum(['key', 'entra']).default('key'),
    /**
     * With `entra`: a secret of `{"tenantId", "clientId", "clientSecret"}`; without it the environment's own identity
     * (DefaultAzureCredential).
     */
    secret: z.string().min(1).optional(),
    /** What a token is asked for; sovereign clouds have their own. */
    tokenScope: z.string().min(1).default('https://cognitiveservices.azure.com/.default'),
  })
  .refine(({ auth, secret }) => auth === 'entra' || secret !== undefined, {
    path: ['secret'],
    error: "name the secret that holds the resource's API key, or set auth to entra",
  });

export type AzureSettings = SettingsOf<typeof azureSettings>;
