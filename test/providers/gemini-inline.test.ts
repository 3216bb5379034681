import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { providerConfigSchema } from '../../lib/providers/config.ts';
import { providers } from '../../lib/providers/registry.ts';
import { answered, lineId, resultLine } from './support/lines.ts';

const candidate = `{"content":{"role":"model","parts":[{"functionCall":{"name":"f","args":{"x":12345678901234567890,"y":1.0}}}]},"finishReason":"STOP"}`;

/** A batch whose answers stand in it. Source: https://ai.google.dev/api/batch-api#GenerateContentBatch */
function operationWith(member: 'metadata' | 'response'): string {
  const answers = `{"inlinedResponses":{"inlinedResponses":[
    {"metadata":{"key":"${lineId}"},"response":{"candidates":[${candidate}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2}}},
    {"metadata":{"key":"other"},"error":{"code":13,"message":"No."}}]}}`;
  const state =
    '"state":"BATCH_STATE_SUCCEEDED","batchStats":{"requestCount":"2","successfulRequestCount":"1","failedRequestCount":"1"}';
  return member === 'metadata'
    ? `{"name":"batches/1","done":true,"metadata":{${state},"output":${answers}}}`
    : `{"name":"batches/1","done":true,"metadata":{${state}},"response":${answers}}`;
}

it.each(['metadata', 'response'] as const)(
  'answers in the batch itself are read as those of a file: in %s',
  async (member) => {
    const server = createServer((_request, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(operationWith(member)),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const config = {
      ...providerConfigSchema.parse({ kind: 'gemini', secret: 's', baseUrl }),
      createTimeoutSeconds: 9,
      settleSeconds: 0,
    };
    const client = await providers.gemini.connect?.({ name: 'gemini', config, apiKey: async () => 'key-of-the-test' });
    const signal = new AbortController().signal;

    const batch = await client?.retrieve('batches/1', signal);
    const pieces: Uint8Array[] = [];
    if (client && batch)
      for await (const piece of client.results(batch, batch.resultRefs[0] ?? '', signal)) pieces.push(piece);

    expect(batch).toMatchObject({ phase: 'completed', expectedResults: 2, resultRefs: ['inlinedResponses'] });
    const [first, second] = Buffer.concat(pieces).toString().trimEnd().split('\n');
    const result = providers.gemini.translateResult(Buffer.from(first ?? ''), answered());
    expect(result).toMatchObject({ kind: 'answered', succeeded: true });
    expect(JSON.stringify(resultLine(result))).toContain('finish_reason');
    expect(result.kind === 'answered' && result.bytes.toString()).toContain('\\"x\\":12345678901234567890,\\"y\\":1.0');
    expect(JSON.parse(second ?? '')).toEqual({ key: 'other', error: { code: 13, message: 'No.' } });
  },
);
