import { gunzipSync } from 'node:zlib';
import { Hono } from 'hono';
import type { ApiContext, ApiEnvironment } from '../api-environment.ts';
import { type ConsoleFile, type ConsoleFiles, contentTypeOf } from './console-files.ts';

/** Everything comes from the page's own origin; texts of providers and customers can neither load nor run anything. */
export const consolePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const indexFile = 'index.html';

/**
 * The console for browsers: its page at `/`, for whoever accepts HTML, and below `/console/` what the page loads. Those names hold a
 * hash, so a browser keeps them for good.
 */
export function consoleRoutes(readFiles: () => Promise<ConsoleFiles>): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();

  routes.get('/', async (context, next) => {
    if (!(context.req.header('accept') ?? '').includes('text/html')) return next();
    const file = (await readFiles()).get(indexFile);
    if (!file) return next();
    context.header('content-security-policy', consolePolicy);
    context.header('referrer-policy', 'no-referrer');
    context.header('cross-origin-opener-policy', 'same-origin');
    context.header('cache-control', 'no-cache');
    return send(context, indexFile, file);
  });

  routes.get('/console/:name', async (context, next) => {
    const name = context.req.param('name');
    const file = (await readFiles()).get(name);
    if (!file || name === indexFile) return next();
    context.header('cache-control', 'public, max-age=31536000, immutable');
    return send(context, name, file);
  });

  return routes;
}

function send(context: ApiContext, name: string, { brotli, gzip }: ConsoleFile): Response {
  const accepted = context.req.header('accept-encoding') ?? '';
  context.header('content-type', contentTypeOf(name));
  context.header('vary', 'accept, accept-encoding');
  if (/\bbr\b/.test(accepted)) return encoded(context, 'br', brotli);
  if (/\bgzip\b/.test(accepted)) return encoded(context, 'gzip', gzip);
  return context.body(new Uint8Array(gunzipSync(gzip)));
}

function encoded(context: ApiContext, encoding: 'br' | 'gzip', bytes: Uint8Array<ArrayBuffer>): Response {
  context.header('content-encoding', encoding);
  return context.body(bytes);
}
