import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startAwsJsonServer } from '../../local/aws-json-server.ts';
import { type LocalEvent, LocalEventBus } from '../../local/event-bus.ts';
import { localCredentials, localRegion } from '../../local/local-account.ts';
import type { LoopbackServer } from '../../local/loopback-server.ts';

let folder: string;
let bus: LocalEventBus;
let server: LoopbackServer;
let client: EventBridgeClient;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'batchdrop-events-'));
  bus = new LocalEventBus(join(folder, 'events.jsonl'));
  server = await startAwsJsonServer(bus.operations);
  client = new EventBridgeClient({
    endpoint: server.url,
    region: localRegion,
    credentials: localCredentials,
    maxAttempts: 1,
  });
});

afterEach(async () => {
  client.destroy();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

function entry(batch: string): PutEventsRequestEntry {
  return {
    Source: 'batchdrop',
    DetailType: 'batch.completed',
    Detail: JSON.stringify({ batch }),
    EventBusName: 'default',
  };
}

function written(): LocalEvent[] {
  const lines = readFileSync(join(folder, 'events.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

describe('the local event bus', () => {
  it('writes each event as a line, in the form that a rule sees', async () => {
    const answer = await client.send(new PutEventsCommand({ Entries: [entry('a'), entry('b')] }));
    expect(answer.FailedEntryCount).toBe(0);
    expect(written().map(({ id }) => id)).toEqual(answer.Entries?.map(({ EventId }) => EventId));
    expect(written()[0]).toMatchObject({
      version: '0',
      source: 'batchdrop',
      'detail-type': 'batch.completed',
      detail: { batch: 'a' },
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    });
  });

  it('keeps lines whole when many write at a time', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `batch ${index} ${'x'.repeat(2_000)}`);
    await Promise.all(names.map((name) => client.send(new PutEventsCommand({ Entries: [entry(name)] }))));
    expect(new Set(written().map(({ detail }) => JSON.stringify(detail)))).toEqual(
      new Set(names.map((batch) => JSON.stringify({ batch }))),
    );
  });

  it('tells its subscribers, until they leave', async () => {
    const seen: LocalEvent[] = [];
    const leave = bus.onEvent((event) => seen.push(event));
    await client.send(new PutEventsCommand({ Entries: [entry('a')] }));
    leave();
    await client.send(new PutEventsCommand({ Entries: [entry('b')] }));
    expect(seen.map(({ detail }) => detail)).toEqual([{ batch: 'a' }]);
  });

  it('refuses an entry by itself, as EventBridge does', async () => {
    const { Detail: _detail, ...withoutDetail } = entry('a');
    const broken = { ...entry('a'), Detail: 'not JSON' };
    const answer = await client.send(new PutEventsCommand({ Entries: [withoutDetail, broken, entry('b')] }));
    expect(answer.FailedEntryCount).toBe(2);
    expect(answer.Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([
      'InvalidArgument',
      'MalformedDetail',
      undefined,
    ]);
    expect(written()).toHaveLength(1);
  });

  it('refuses more than ten entries in one call', async () => {
    const Entries = Array.from({ length: 11 }, () => entry('a'));
    await expect(client.send(new PutEventsCommand({ Entries }))).rejects.toThrow(/Entries/);
  });
});
