import { createServices } from '../../lib/pipeline/services.ts';
import { submit } from '../../lib/pipeline/submit/submit.ts';

// Runs one slice of a live shard, as the Submit function does, to be killed in the middle: node live-process.ts <batch id>

const [batchId = ''] = process.argv.slice(2);
process.env.AWS_ACCESS_KEY_ID = 'batchdrop-submit'; // whose rights it has
const silent = () => undefined;
const services = createServices(process.env, { log: { info: silent, warn: silent, error: silent } });
const endsAt = performance.now() + 300_000;

setInterval(() => process.send?.({ rss: process.memoryUsage.rss() }), 100).unref();

await submit(
  services,
  { batchId, epoch: 0, shard: 0 },
  { remainingMs: () => endsAt - performance.now(), signal: new AbortController().signal },
);
process.disconnect();
