import { execFile } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type BatchProviderKind, batchProviderKinds } from '../../lib/providers/config.ts';
import type { LostCreate, Sending } from '../../lib/providers/contract.ts';
import { everyPage, UnendingListError } from '../../lib/providers/shared/http/every-page.ts';
import { TransientError } from '../../lib/records/errors.ts';
import type { Fault } from '../../simulators/faults.ts';
import { subjects } from '../fixtures/providers/every-provider.ts';
import { withBucket } from './support/bucket.ts';
import {
  apiKey,
  clientFor,
  connect,
  ended,
  inputFileOf,
  noAbort,
  sendingOf,
  submit,
} from './support/connected-provider.ts';

withBucket();

const texts = ['one', 'two', 'three'];

function lost(sending: Sending, providerInputFileId: string | null, shiftMs = 0): LostCreate {
  const nowMs = Date.now() + shiftMs;
  return {
    sending,
    providerInputFileId,
    windowStartMs: nowMs - 60_000,
    windowEndMs: nowMs + 60_000,
    isClaimed: async () => false,
  };
}

/** A server that answers every call alike. */
async function listen(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => answer(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const page = '<!doctype html><html><body>Please sign in</body></html>';

/** What is no list of anybody's. */
const noLists: [name: string, contentType: string, body: string][] = [
  ["an error's document", 'application/json', '{"error":{"message":"upstream busy"}}'],
  ['a page', 'text/html', page],
  ['a page that says that it is JSON', 'application/json', page],
  ['nothing', 'application/json', ''],
  ['nothing, as text', 'text/plain', ''],
  ['another document', 'application/json', '{"status":"ok"}'],
  ['a text', 'application/json', '"ok"'],
  ['null', 'application/json', 'null'],
];

/** What is no list, except where it is the provider's form of an empty one. */
const emptyForms: Record<string, readonly BatchProviderKind[]> = {
  // Google leaves empty members out.
  '{}': ['gemini', 'vertex', 'fireworks'],
  // Together's list is an array.
  '[]': ['together'],
};

const disorders: Fault[] = [
  { kind: 'wrong_clock', operation: 'list', how: { shiftSeconds: -36_000 } },
  { kind: 'wrong_clock', operation: 'list', how: { shiftSeconds: 36_000 } },
  { kind: 'wrong_clock', operation: 'list', how: 'zero' },
  { kind: 'wrong_clock', operation: 'list', how: 'without_offset' },
  { kind: 'unordered_list' },
];

/** AWS's SDK takes no such time, so that the look fails. */
function isWithoutOffset(fault: Fault): boolean {
  return fault.kind === 'wrong_clock' && fault.how === 'without_offset';
}

describe.each(batchProviderKinds)('a lost create at %s', (kind) => {
  async function findAt(url: string) {
    const client = clientFor(kind, url, async () => apiKey);
    return await client.findLost(lost(sendingOf(kind, ['x']), null), noAbort);
  }

  it('is not looked for in what is no list', async () => {
    const looks = noLists.map(async ([name, contentType, body]) => {
      const url = await listen((_request, response) => {
        response.writeHead(200, { 'content-type': contentType }).end(body);
      });
      await expect(findAt(url), name).rejects.toThrow(TransientError);
    });

    await Promise.all(looks);
  });

  it.each(Object.entries(emptyForms))('takes %s for an empty list only where it is one', async (body, kinds) => {
    const url = await listen((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    });

    if (kinds.includes(kind)) expect(await findAt(url)).toEqual({ finding: 'none' });
    else await expect(findAt(url)).rejects.toThrow(TransientError);
  });

  it('is found by what proves it, at any clock and in any order', async () => {
    const connection = await connect(kind);
    await submit(connection, sendingOf(kind, ['of another size', 'x']));
    const sending = sendingOf(kind, texts);
    const fileId = await inputFileOf(connection, sending);
    const created = await connection.client.create(sending, fileId, noAbort);
    const id = created.outcome === 'created' ? created.providerBatchId : '';
    await ended(connection, id);
    await submit(connection, sendingOf(kind, ['of another size', 'x']));
    const proving = subjects[kind].provesBy === 'token' ? null : fileId;

    for (const fault of disorders.filter((one) => kind !== 'bedrock' || !isWithoutOffset(one))) {
      connection.simulator.setFaults([fault]);
      for (const shiftMs of [0, 36_000_000])
        expect(await connection.client.findLost(lost(sending, proving, shiftMs), noAbort)).toEqual({
          finding: 'found',
          providerBatchId: id,
        });
    }
  });

  it('follows no redirect with its key, and says where it was sent', async () => {
    const seen: string[] = [];
    const elsewhere = await listen((request, response) => {
      seen.push(JSON.stringify(request.headers));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
    const url = await listen((request, response) => {
      const status = request.method === 'GET' ? 302 : 307;
      response.writeHead(status, { location: `${elsewhere}/signed-on${request.url}?signature=s` }).end();
    });
    const client = clientFor(kind, url, async () => apiKey);
    const sending = sendingOf(kind, ['x']);
    const results = { providerBatchId: 'a', resultRefs: ['b'] } as Parameters<typeof client.results>[0];
    const looks = [
      client.check(noAbort),
      client.findLost(lost(sending, null), noAbort),
      client.retrieve(subjects[kind].unknownId, noAbort),
      client.cancel(subjects[kind].unknownId, noAbort),
      ...(subjects[kind].linesGoWith === 'bucket' ? [] : [Array.fromAsync(client.results(results, 'b', noAbort))]),
    ];

    const errors = (await Promise.allSettled(looks)).map((look) => (look.status === 'rejected' ? look.reason : null));
    const created = await client.create(sending, 'file-1', noAbort);

    for (const error of errors) {
      expect(error).toBeInstanceOf(TransientError);
      if (subjects[kind].hasKey) expect(String(error)).toContain(`${elsewhere}/signed-on`);
      expect(String(error)).not.toContain('signature');
    }
    expect(created.outcome).toBe('unknown');
    expect(seen).toEqual([]);
  });
});

describe('a candidate of Anthropic', () => {
  it('that has the right size and no results yet is not sent again, whatever its time', async () => {
    const timing = { validatingMs: 0, inProgressMs: 5_000, finalizingMs: 0 };
    const connection = await connect('anthropic', { timing });
    const id = await submit(connection, sendingOf('anthropic', texts));

    for (const shiftMs of [-36_000_000, 0, 36_000_000])
      expect(await connection.client.findLost(lost(sendingOf('anthropic', texts), null, shiftMs), noAbort)).toEqual({
        finding: 'undecided',
        providerBatchIds: [id],
        reason: expect.stringContaining(id),
      });
  });
});

describe('a candidate that is not counted yet', () => {
  it.each(['anthropic', 'openrouter'] as const)('is not sent again at %s', async (kind) => {
    const timing = { validatingMs: 0, inProgressMs: 60_000, finalizingMs: 0 };
    const connection = await connect(kind, { timing });
    const id = await submit(connection, sendingOf(kind, texts));
    for (const how of ['zero', 'negative', 'absent', 'null'] as const) {
      connection.simulator.setFaults([{ kind: 'wrong_counts', operation: 'list', how }]);
      const found = await connection.client.findLost(lost(sendingOf(kind, texts), null), noAbort);
      expect(found, how).toMatchObject({ finding: 'undecided', providerBatchIds: [id] });
    }
  });
});

describe('an upload', () => {
  const kinds = ['openai', 'mistral', 'gemini'] as const;
  const prefixes = [
    ['the pipeline', `b${'0'.repeat(41)}`],
    ['the library', 'batchdrop-00000000-0000-4000-8000-000000000000'],
    ['live calls', 'live-0123456789ab-1z-'],
  ] as const;
  const cases = kinds.flatMap((kind) => prefixes.map(([whose, prefix]) => ({ kind, whose, prefix })));

  it.each(cases)('at $kind that is answered as another one of $whose is made again', async ({ kind, prefix }) => {
    const connection = await connect(kind);
    await connection.client.upload({ ...sendingOf(kind, ['other']), prefix }, noAbort);
    connection.simulator.setFaults([{ kind: 'wrong_body', operation: 'upload', body: 'earlier', times: 1 }]);
    const sending = { ...sendingOf(kind, texts), prefix: `b${'1'.repeat(41)}` };
    const upload = () => connection.client.upload(sending, noAbort);
    await expect(upload()).rejects.toThrow(`is about ${prefix}`);
    await expect(upload()).resolves.toMatchObject({ outcome: 'uploaded' });
  });
});

describe('a list', () => {
  const pagesOf = (count: number) => async (position?: string) => {
    const at = Number(position ?? 0);
    return { items: [{ id: `item-${at}` }], next: at + 1 < count ? String(at + 1) : null };
  };

  it('is read to its end, each item once, and no further than it may be', async () => {
    const ids = async (count: number, most?: number) =>
      (await Array.fromAsync(everyPage(pagesOf(count), ({ id }) => id, most))).length;

    expect(await ids(200, 200)).toBe(200);
    expect(await ids(300)).toBe(300);
    await expect(ids(201, 200)).rejects.toThrow(UnendingListError);
  });

  it('does not go on where its tokens change and its items do not', async () => {
    let tokens = 0;
    const list = everyPage(
      async () => {
        tokens += 1;
        return { items: [{ id: 'a' }], next: String(tokens) };
      },
      ({ id }) => id,
    );

    await expect(Array.fromAsync(list)).rejects.toThrow(UnendingListError);
  });
});

it.each(['UTC', 'America/New_York', 'Asia/Tokyo'])('a time without an offset is UTC: in %s', async (zone) => {
  const module = new URL('../../lib/providers/shared/http/provider-time.ts', import.meta.url);
  const times = [
    '2026-11-30T10:00:00',
    '2026-11-30 10:00:00.250',
    '2026-11-30T10:00:00Z',
    '2026-11-30T12:00:00+02:00',
    '2026-11-30',
    'soon',
    '',
  ];
  const script = `import { timeSeconds } from '${module.href}'; console.log(JSON.stringify(${JSON.stringify(times)}.map(timeSeconds)))`;

  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, TZ: zone },
  });

  const tenSeconds = Date.UTC(2026, 10, 30, 10) / 1_000;
  const midnight = Date.UTC(2026, 10, 30) / 1_000;
  expect(JSON.parse(stdout)).toEqual([tenSeconds, tenSeconds, tenSeconds, tenSeconds, midnight, null, null]);
});
