import { Hono } from 'hono';
import { Journal } from '../../lib/live/journal.ts';
import { LiveRun } from '../../lib/live/live-run.ts';
import { serveLive } from '../../lib/live/server.ts';
import { LiveTarget } from '../../lib/live/target.ts';
import { serveOnLoopback } from '../../local/loopback-server.ts';

// A server of live calls and, beside it, a bare route, in one process. Usage: serve-process.ts FOLDER TARGET-URL

const [folder = '', apiBase = ''] = process.argv.slice(2);
const target = new LiveTarget({ provider: 'openai', apiKey: 'sk-bench', apiBase });
const journal = Journal.open(folder, { pid: process.pid, url: null }, Date.now());
const run = new LiveRun({ name: 'bench', journal, gatherSeconds: 1, maxGatherSeconds: 300, pollIntervalSeconds: 0.2 });
run.attach(target);
const server = await serveLive({ run, target, port: 0, holdSeconds: 600 });
const app = new Hono();
app.post('/v1/chat/completions', async (context) => {
  const body = await context.req.json();
  return context.json({ model: body.model });
});
const bare = await serveOnLoopback(app, 0);
console.log(JSON.stringify({ url: server.url, bareUrl: bare.url }));
