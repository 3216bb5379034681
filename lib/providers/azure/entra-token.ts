import {
  ClientSecretCredential,
  DefaultAzureCredential,
  getBearerTokenProvider,
  type TokenCredential,
} from '@azure/identity';
import { z } from 'zod';
import { ConfigurationError, messageOf, safeText, TransientError } from '../../records/errors.ts';
import { rememberSecret } from '../../records/known-secrets.ts';
import type { ConnectionSettings } from '../contract.ts';
import type { AzureSettings } from './settings.ts';

const clientSecretSchema = z.strictObject({
  tenantId: z.string().min(1),
  clientId: z.string().min(1),
  clientSecret: z.string().min(1),
});

/** Gives tokens of Microsoft Entra ID in place of a key; each lives about an hour and is renewed in time. */
export function entraTokens({ name, config, apiKey }: ConnectionSettings<AzureSettings>): ConnectionSettings['apiKey'] {
  let current: { secret: string; next: () => Promise<string> } | undefined;
  return async (refresh) => {
    const secret = await apiKey(refresh);
    if (current?.secret !== secret) {
      rememberSecret(secret);
      current = { secret, next: getBearerTokenProvider(credentialFrom(name, secret), config.tokenScope) };
    }
    return await tokenFrom(name, current.next);
  };
}

async function tokenFrom(name: string, next: () => Promise<string>): Promise<string> {
  try {
    return await next();
  } catch (error) {
    const message = `Microsoft Entra ID gave no token for provider ${name}: ${safeText(messageOf(error))}`;
    throw new TransientError(message, { cause: error });
  }
}

function credentialFrom(name: string, secret: string): TokenCredential {
  if (secret === '') return new DefaultAzureCredential();
  const client = clientSecretSchema.safeParse(parsedJson(secret));
  if (client.success)
    return new ClientSecretCredential(client.data.tenantId, client.data.clientId, client.data.clientSecret);
  throw new ConfigurationError(
    `The secret of provider ${name} must be the JSON {"tenantId": ..., "clientId": ..., "clientSecret": ...} of its Entra application.`,
  );
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
