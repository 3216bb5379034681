import { Hono } from 'hono';

/** What the local HTTP port answers. */
export function createLocalApp(version: string): Hono {
  const app = new Hono();
  app.get('/healthz', (context) => context.json({ status: 'ok', version }));
  app.notFound((context) => context.json({ error: { message: `There is no ${context.req.path} here.` } }, 404));
  return app;
}
