import type { GoogleAuth } from 'google-auth-library';
import {
  ConfigurationError,
  messageOf,
  ProviderAuthenticationError,
  safeText,
  TransientError,
} from '../../records/errors.ts';
import { isObject } from '../../records/json.ts';
import { rememberSecret } from '../../records/known-secrets.ts';
import { withInstallCommand } from '../shared/http/loaded-once.ts';

const scopes = ['https://www.googleapis.com/auth/cloud-platform'];

/**
 * Who gives access tokens, by what the secret holds: a service account's key or a workload identity's configuration (JSON),
 * a token itself (any other text), or nothing, for the application default credentials.
 *
 * @returns a function that gives a token that is good now; the library renews it before its time.
 */
export function accessTokens(secret: string): () => Promise<string> {
  if (secret !== '' && !secret.trimStart().startsWith('{')) return async () => secret.trim();
  const credentials = secret === '' ? null : credentialsIn(secret);
  let auth: Promise<GoogleAuth> | undefined;
  return async () => {
    auth ??= googleAuth(credentials);
    return await tokenOf(await auth);
  };
}

/** The library is loaded where it is needed only. */
async function googleAuth(credentials: object | null): Promise<GoogleAuth> {
  try {
    const library = await import('google-auth-library');
    return new library.GoogleAuth({ scopes, ...(credentials && { credentials }) });
  } catch (error) {
    throw withInstallCommand(error);
  }
}

function credentialsIn(secret: string): object {
  try {
    const credentials: unknown = JSON.parse(secret);
    if (isObject(credentials)) return credentials;
  } catch {
    // Said below; the parser's own message would show some of the key.
  }
  throw new ConfigurationError(
    'The secret of a vertex provider begins like JSON and is none; put the key file in whole.',
  );
}

/** An error here is not of the call that the token was for: nothing was sent. */
async function tokenOf(auth: GoogleAuth): Promise<string> {
  let token: string | null | undefined;
  try {
    token = await auth.getAccessToken();
  } catch (error) {
    const message = `No access token for Google Cloud: ${safeText(messageOf(error))}`;
    throw isWithoutCredentials(error)
      ? new ProviderAuthenticationError(message)
      : new TransientError(message, { cause: error });
  }
  if (token) {
    rememberSecret(token);
    return token;
  }
  throw new ProviderAuthenticationError('Google Cloud gave no access token for these credentials.');
}

/** The library's own words where it finds no application default credentials. */
function isWithoutCredentials(error: unknown): boolean {
  return messageOf(error).includes('Could not load the default credentials');
}
