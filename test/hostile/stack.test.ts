import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { statusKey } from '../../lib/records/object-keys.ts';
import { type LocalStack, startLocalStack } from '../../local/runtime.ts';
import { misdeeds, refusing } from './misdeeds.ts';
import { type Misdeed, type Operation, type Script, startUpstream, type Upstream, type Wire } from './upstream.ts';
import { anthropic } from './wires/anthropic.ts';
import { bedrock } from './wires/bedrock.ts';
import { gemini } from './wires/gemini.ts';
import { mistral } from './wires/mistral.ts';
import { openai } from './wires/openai.ts';

interface Case {
  name: string;
  wire: Wire;
  script: Script;
  /** What becomes of its three lines; null for an answer. */
  error: string | null;
}

function named(name: string): Misdeed {
  const known = misdeeds[name];
  if (!known) throw new Error(`There is no misdeed '${name}'.`);
  return known;
}

function atFirst(misdeed: Misdeed, ...operations: Operation[]): Script {
  return ({ operation, number }) => (number === 1 && operations.includes(operation) ? misdeed : null);
}

function always(misdeed: Misdeed, ...operations: Operation[]): Script {
  return ({ operation }) => (operations.includes(operation) ? misdeed : null);
}

const page = named('answers with a page');
const reset = named('resets the connection once it is done');
const silence: Misdeed = { answer: ({ right }) => void right() };

/** Not those that wait for half an hour after they closed: time cannot be turned here (lasting.test.ts has them). */
const cases: Case[] = [
  {
    name: 'a page in place of every first answer',
    wire: openai,
    script: atFirst(page, 'upload', 'create', 'list', 'retrieve', 'results'),
    error: null,
  },
  { name: 'a create that is reset', wire: anthropic, script: atFirst(reset, 'create'), error: null },
  {
    name: 'a create that is reset, and a list that is an error',
    wire: gemini,
    script: atFirst(named("answers with an error's document"), 'create', 'list'),
    error: null,
  },
  {
    name: 'a create that is never answered',
    wire: mistral,
    script: atFirst(silence, 'create'),
    error: null,
  },
  {
    name: 'a create that is cut within its head',
    wire: bedrock,
    script: atFirst(named('breaks off within the head'), 'create'),
    error: null,
  },
  {
    name: 'a pause of a negative second, asked for twice',
    wire: openai,
    script: ({ operation, number }) =>
      operation === 'create' && number < 3 ? named('asks to wait for minus one second') : null,
    error: null,
  },
  {
    name: 'results that end half way, cleanly',
    wire: anthropic,
    script: atFirst(named('ends its chunks half way'), 'results'),
    error: null,
  },
  {
    name: 'an upload that is sent elsewhere',
    wire: openai,
    script: atFirst(named('redirects to itself'), 'upload'),
    error: null,
  },
  {
    name: 'results that break off within a chunk',
    wire: gemini,
    script: atFirst(named('breaks off within a chunk'), 'results'),
    error: null,
  },
  {
    name: 'an upload that is refused for good',
    wire: mistral,
    script: always(refusing(422, {}, '{"detail":[{"loc":["body","file"],"msg":"no such purpose"}]}'), 'upload'),
    error: 'http_422',
  },
];

/** Everything at once on one stack: each waits mostly. */
const running: (Case & { account: string; upstream: Upstream; key: string })[] = [];
let stack: LocalStack;
/** Closed even where the stack did not start. */
const started = new AsyncDisposableStack();
let droppedAtMs = 0;
/** All of them wait at the same time, the longest for the minute after which results are asked for again. */
const mostMs = 150_000;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hostile-stack-'));
  started.defer(() => rmSync(folder, { recursive: true, force: true }));
  for (const [place, one] of cases.entries()) {
    const upstream = await startUpstream(one.wire);
    started.defer(() => upstream.close());
    upstream.begin(one.script);
    running.push({ ...one, account: `hostile-${place}`, upstream, key: `inbox/case-${place}.jsonl` });
    vi.stubEnv(`HOSTILE_${place}_API_KEY`, 'some-key');
  }
  const providers = running.map(({ account, wire, upstream }) => [
    account,
    { ...wire.account(upstream.url), createTimeoutSeconds: 2, settleSeconds: 2 },
  ]);
  const configFile = join(folder, 'config.json');
  const config = { providers: Object.fromEntries(providers), polling: { minSeconds: 1, maxSeconds: 3 } };
  writeFileSync(configFile, JSON.stringify(config));
  const ofBedrock = running.find(({ wire }) => wire === bedrock)?.upstream.url ?? '';
  stack = await startLocalStack({ dataDir: join(folder, 'data'), configFile, simulators: { bedrock: ofBedrock } });
  started.defer(() => stack.close());
  await Promise.all(running.map(drop));
  droppedAtMs = Date.now();
}, 120_000);

afterAll(async () => {
  await started.disposeAsync();
  vi.unstubAllEnvs();
});

const places = [0, 1, 2];

async function drop({ account, wire, key }: (typeof running)[number]): Promise<void> {
  const lines = places.map((place) => {
    const question = `question-${account}-${place}`;
    const body = { model: `${account}/${wire.model}`, messages: [{ role: 'user', content: question }] };
    return `${JSON.stringify({ custom_id: question, method: 'POST', url: '/v1/chat/completions', body })}\n`;
  });
  const object = { Bucket: stack.bucket, Key: key, Body: lines.join('') };
  await new S3Client({ forcePathStyle: true }).send(new PutObjectCommand(object));
}

async function read(key: string): Promise<string> {
  const found = await new S3Client({ forcePathStyle: true })
    .send(new GetObjectCommand({ Bucket: stack.bucket, Key: key }))
    .catch(() => null);
  return (await found?.Body?.transformToString()) ?? '';
}

interface Status {
  batch_id: string;
  status: string;
  output: string | null;
}

async function ended({ key }: (typeof running)[number]): Promise<Status> {
  return await vi.waitFor(
    async () => {
      const status: Status = JSON.parse((await read(statusKey(key))) || '{}');
      expect(['completed', 'expired', 'cancelled', 'failed']).toContain(status.status);
      return status;
    },
    { timeout: Math.max(1_000, droppedAtMs + mostMs - Date.now()), interval: 500 },
  );
}

describe('a whole stack beside an upstream with', () => {
  it.each(cases.map(({ name, error }, place) => ({ name, error, place })))(
    '$name',
    async ({ place, error }) => {
      const one = running[place];
      if (!one) throw new Error('no such case');
      const { batch_id: batchId } = await ended(one);
      const linesOf = async (name: string) => {
        const lines = (await read(`results/${batchId}/${name}.jsonl`)).split('\n').filter((line) => line !== '');
        return lines.map((line) => JSON.parse(line));
      };
      const [output, errors] = [await linesOf('output'), await linesOf('errors')];
      const questions = places.map((at) => `question-${one.account}-${at}`);
      expect([...output, ...errors].map(({ custom_id: id }) => id).toSorted()).toEqual(questions);
      expect(errors.map((line) => line.error.code)).toEqual(error === null ? [] : places.map(() => error));
      for (const line of errors) expect(line.error.message).toMatch(/./);
      const { accepted } = one.upstream.work;
      expect(accepted.toSorted()).toEqual([...new Set(accepted)].toSorted());
    },
    180_000,
  );
});
