import { z } from 'zod';
import { joinedLines } from '../../../lib/lines/joined-lines.ts';
import { batchProviderKinds, providerConfigSchema } from '../../../lib/providers/config.ts';
import { connectClient } from '../../../lib/providers/connect.ts';
import type { Sending } from '../../../lib/providers/contract.ts';
import { providers } from '../../../lib/providers/registry.ts';
import { subjects } from '../../fixtures/providers/every-provider.ts';
import { workplace } from './workplace.ts';

// Sends a small batch, which loads what is needed, and then one of that size; prints by how much the most memory that this
// process ever took grew meanwhile, in MB:
// node send-large-batch.ts KIND BASE_URL MEGABYTES

const [kind, baseUrl, megabytes] = z
  .tuple([z.enum(batchProviderKinds), z.url(), z.coerce.number()])
  .parse(process.argv.slice(2));

function* paddedLines(count: number): Generator<Buffer> {
  for (let index = 0; index < count; index += 1) yield Buffer.alloc(999, 'x');
}

/** Lines of a kilobyte. */
function sendingOf(lineCount: number): Sending {
  return {
    batchId: 'batch_large',
    prefix: 'b',
    token: 't',
    endpoint: '/v1/chat/completions',
    model: subjects[kind].model,
    lineCount,
    lines: (separator) => joinedLines(paddedLines(lineCount), separator),
    metadata: {},
  };
}

const client = connectClient(providers[kind], {
  name: kind,
  config: {
    ...providerConfigSchema.parse({ secret: 's', ...subjects[kind].config, kind, baseUrl }),
    createTimeoutSeconds: 120,
    settleSeconds: 60,
  },
  apiKey: async () => 'sk-test',
  workplace: workplace(),
});
const { signal } = new AbortController();

async function send(lineCount: number): Promise<void> {
  const sending = sendingOf(lineCount);
  const uploaded = await client.upload(sending, signal);
  const created = await client.create(sending, 'file-1', signal);
  if (uploaded.outcome !== 'uploaded' || created.outcome !== 'created')
    throw new Error(JSON.stringify({ uploaded, created }));
}

function peakMegabytes(): number {
  return process.resourceUsage().maxRSS / 1000;
}

await send(1_000);
const before = peakMegabytes();
await send(megabytes * 1000);
console.log(Math.round(peakMegabytes() - before));
