import { Hono } from 'hono';
import { z } from 'zod';
import type { ApiContext, ApiEnvironment } from '../api-environment.ts';
import { ApiError } from '../api-error.ts';
import { keyOf } from '../authentication.ts';
import { readBody } from '../request-body.ts';
import { type SignInTokens, signInSeconds } from './sign-in-tokens.ts';

const tradeBodySchema = z.object({ token: z.string().min(1).max(200) });

/** `POST /console/session`: the page trades the token of its link for the API key that the token stands for. */
export function signInRoutes(tokens: SignInTokens): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  routes.post('/session', async (context) => {
    assertFromThisMachine(context);
    const { body } = await readBody(context, tradeBodySchema);
    const apiKey = tokens.trade(body.token);
    if (apiKey === null) {
      const message = 'This link was used before, or is older than ten minutes. Print a new one: batchdrop console';
      throw new ApiError(401, message, { param: 'token', code: 'invalid_token' });
    }
    context.header('cache-control', 'no-store');
    return context.json({ object: 'console.session', api_key: apiKey });
  });
  return routes;
}

/** `POST /v1/console/tokens`: a token for a link, which stands for the key that asks. */
export function signInLinkRoutes(tokens: SignInTokens): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  routes.post('/tokens', (context) =>
    context.json({ object: 'console.token', token: tokens.issue(keyOf(context)), expires_in: signInSeconds }),
  );
  return routes;
}

const loopbackHosts = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/;

/**
 * Another page in the same browser could send a token that it guessed, or reach this server under a name of its own.
 *
 * @throws ApiError 403 where the request does not come from this server's own page, under a name of this machine.
 */
function assertFromThisMachine({ req }: ApiContext): void {
  const host = req.header('host') ?? '';
  if (loopbackHosts.test(host) && req.header('origin') === `http://${host}`) return;
  const message = "A link signs in on this machine only, from the console's own page. Open it as it was printed.";
  throw new ApiError(403, message, { code: 'wrong_origin' });
}
