import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ConfigurationError, TransientError } from '../../lib/records/errors.ts';
import { SecretsManagerSecrets } from '../../lib/store/secrets.ts';

let server: Server;
let answer = { status: 400, type: '' };

beforeEach(async () => {
  server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify({ __type: answer.type, Message: 'No.' }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
});

afterEach(() => {
  vi.unstubAllEnvs();
  server.close();
  server.closeAllConnections();
});

it.each([
  [400, 'ResourceNotFoundException', ConfigurationError],
  [400, 'AccessDeniedException', ConfigurationError],
  [400, 'ThrottlingException', TransientError],
  [400, 'DecryptionFailure', TransientError],
  [500, 'InternalServiceError', TransientError],
  [503, 'ServiceUnavailable', TransientError],
])('an answer of %i, %s, when a secret is read is a %o', async (status, type, expected) => {
  answer = { status, type };
  const secrets = SecretsManagerSecrets.connect('Batchdrop');
  await expect(secrets.apiKey('openai', `${type}-secret`)).rejects.toBeInstanceOf(expected);
});
