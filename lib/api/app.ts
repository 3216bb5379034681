import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import type { Services } from '../pipeline/services.ts';
import { messageOf, safeText } from '../records/errors.ts';
import { accountRoutes } from './account-routes.ts';
import type { ApiContext, ApiEnvironment, ApiSettings } from './api-environment.ts';
import { ApiError, asApiError } from './api-error.ts';
import { authentication } from './authentication.ts';
import { batchRoutes } from './batch-routes.ts';
import { consoleRoutes } from './console/console-routes.ts';
import { signInLinkRoutes, signInRoutes } from './console/sign-in-routes.ts';
import { docsPage, docsPagePolicy } from './docs-page.ts';
import { fileRoutes } from './file-routes.ts';
import { messageBatchRoutes } from './messages/message-batch-routes.ts';
import { messageError } from './messages/message-error.ts';
import { modelRoutes } from './model-routes.ts';
import { openApiDocument } from './openapi-document.ts';
import { operations } from './operations.ts';
import { requestRoutes } from './request-routes.ts';
import { uploadRoutes } from './upload-routes.ts';
import { usageRoutes } from './usage-routes.ts';

const versionHeader = 'anthropic-version';

/**
 * The HTTP API, wherever it runs: OpenAI's files, uploads and batches, Anthropic's message batches, and our additions.
 *
 * @param services asked for with each request, since where they are may be known only after the app is made.
 */
export function createApi(services: () => Services, settings: ApiSettings): Hono<ApiEnvironment> {
  const app = new Hono<ApiEnvironment>();
  app.use(async (context, next) => {
    context.set('settings', settings);
    context.set('requestId', `req_${randomUUID().replaceAll('-', '')}`);
    context.set('services', services());
    markAnswer(context); // before there is an answer: headers of a finished one cost three times as much
    await next();
  });
  app.use(crossOrigin());
  addOpenRoutes(app, settings.version);
  if (settings.consoleFiles) app.route('/', consoleRoutes(settings.consoleFiles));
  if (settings.signInTokens) app.route('/console', signInRoutes(settings.signInTokens));
  app.use('/v1/*', async (_context, next) => {
    await settings.isOpen;
    await next();
  });
  app.use('/v1/*', authentication());
  app.route('/v1/batches', batchRoutes());
  app.route('/v1/batches', requestRoutes());
  app.route('/v1/messages/batches', messageBatchRoutes());
  app.route('/v1/accounts', accountRoutes());
  app.route('/v1/models', modelRoutes());
  app.route('/v1/files', fileRoutes());
  app.route('/v1/uploads', uploadRoutes());
  app.route('/v1/usage', usageRoutes());
  if (settings.signInTokens) app.route('/v1/console', signInLinkRoutes(settings.signInTokens));
  addMethodRefusals(app);
  app.notFound((context) => refuse(context, unknownPath(context)));
  app.onError((error, context) => {
    const refusal = asApiError(error);
    if (refusal.status >= 500) logFailure(context, error);
    return refuse(context, refusal);
  });
  return app;
}

function markAnswer(context: ApiContext): void {
  context.header('x-request-id', context.var.requestId);
  if (isAnthropic(context)) markAnthropicAnswer(context);
  context.header('x-content-type-options', 'nosniff');
  if (context.req.path.startsWith('/v1/')) context.header('cache-control', 'no-store');
}

function markAnthropicAnswer(context: ApiContext): void {
  context.header('request-id', context.var.requestId);
  const version = context.req.header(versionHeader);
  if (version !== undefined && /^[\w-]{1,32}$/.test(version)) context.header(versionHeader, version);
}

/** Only the origins that the configuration names; without one there are no such headers at all. */
function crossOrigin() {
  const allow = cors({
    origin: (origin, context: ApiContext) => (context.var.services.config.corsOrigins.includes(origin) ? origin : null),
    allowMethods: ['GET', 'POST', 'DELETE'],
    exposeHeaders: ['x-request-id', 'request-id', 'retry-after', 'content-disposition', 'etag'],
    maxAge: 600,
  });
  return async (context: ApiContext, next: () => Promise<void>): Promise<Response | undefined> => {
    if (context.var.services.config.corsOrigins.length > 0) return (await allow(context, next)) ?? undefined;
    await next();
    return undefined;
  };
}

function addOpenRoutes(app: Hono<ApiEnvironment>, version: string): void {
  const document = openApiDocument(version);
  const page = docsPage(document, version);
  app.get('/healthz', (context) => context.json({ status: 'ok', version }));
  app.get('/openapi.json', (context) => context.json(document));
  app.get('/docs', (context) => {
    context.header('content-security-policy', docsPagePolicy);
    return context.html(page);
  });
}

/** A path that exists, called with a method that it has not. */
function addMethodRefusals(app: Hono<ApiEnvironment>): void {
  const methodsOf = Map.groupBy(operations, ({ path }) => path.replaceAll(/\{(\w+)\}/g, ':$1'));
  for (const [path, known] of methodsOf) {
    const allow = known.map(({ method }) => method.toUpperCase()).join(', ');
    app.all(path, (context) => {
      const message = `Not allowed to ${context.req.method} on ${shownPath(context)}: use ${allow}.`;
      return refuse(context, new ApiError(405, message, { code: 'method_not_allowed', headers: { allow } }));
    });
  }
}

function unknownPath(context: ApiContext): ApiError {
  if (context.req.path === '/v1/messages')
    return new ApiError(404, 'Messages are answered in batches here, not live: POST /v1/messages/batches.');
  return new ApiError(404, `Invalid URL (${context.req.method} ${shownPath(context)})`, { code: 'unknown_url' });
}

function shownPath(context: ApiContext): string {
  return context.req.path.slice(0, 200);
}

function refuse(context: ApiContext, refusal: ApiError): Response {
  for (const [name, value] of Object.entries(refusal.headers)) context.header(name, value);
  if (!isAnthropic(context)) return context.json(refusal.body, refusal.status);
  return context.json(messageError(refusal, context.var.requestId), refusal.status);
}

/** Whether a client of Anthropic's API is asking. */
function isAnthropic({ req }: ApiContext): boolean {
  return req.path.startsWith('/v1/messages') || req.header(versionHeader) !== undefined;
}

/** The client gets a number to ask about; what happened stands here. */
function logFailure(context: ApiContext, error: unknown): void {
  context.var.services.log.error('A request failed.', {
    requestId: context.var.requestId,
    method: context.req.method,
    path: shownPath(context),
    type: error instanceof Error ? error.name : 'Error',
    error: safeText(messageOf(error)),
  });
}
