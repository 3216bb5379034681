import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { listenOnLoopback } from '../../local/loopback-server.ts';

// An endpoint that always gives the same answer: node endpoint-process.ts DELAY_MS

const [delayMs = '0'] = process.argv.slice(2);
const answer = JSON.stringify({
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 1_790_000_000,
  model: 'gpt-5-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Steady growth.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 200, completion_tokens: 3, total_tokens: 203 },
});

const server = createServer(async (request, response) => {
  await request.toArray();
  if (delayMs !== '0') await sleep(Number(delayMs));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) });
  response.end(answer);
});
// Longer than clients keep idle connections, so that none picks one up just as it closes.
server.keepAliveTimeout = 75_000;
const url = await listenOnLoopback(server, 0);
console.log(JSON.stringify({ baseUrl: `${url}/v1` }));
