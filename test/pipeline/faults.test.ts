import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Fault } from '../../simulators/simulators.ts';
import { casesOf } from '../seed.ts';
import { drive, pass } from './drive.ts';
import { type Harness, type StatusFile, startHarness } from './harness.ts';
import { expectExactlyOnce, expectNeverSentTwice, expectNothingOpen } from './invariants.ts';
import { chatLine, claudeLine, fileOf, nativeLine, numbered } from './requests.ts';
import { cancelBatch } from './steps.ts';

let harness: Harness;
let files = 0;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  harness = await startHarness();
});

afterEach(() => {
  setFaults([]);
});

afterAll(async () => {
  await harness.close();
  vi.useRealTimers();
});

function setFaults(faults: Fault[]): void {
  harness.simulators.openai.setFaults(faults);
  harness.simulators.anthropic.setFaults(faults);
}

const providers = [
  ['OpenAI', chatLine],
  ['Anthropic', claudeLine],
  ['Anthropic natively', nativeLine],
] as const;

/** Runs a batch of twelve requests and checks what must hold whatever happened. */
async function run(
  line: (id: string) => string,
  faults: Fault[],
  options: Record<string, string> = {},
  onTurn?: (batchId: string, turn: number) => Promise<void> | void,
): Promise<StatusFile> {
  files += 1;
  const name = `faulty-${files}.jsonl`;
  const lines = numbered(12, line);
  setFaults(faults);
  const batchId = await harness.drop(name, fileOf(lines), options);
  if (batchId === null) throw new Error('refused');
  await drive(harness, batchId, { onTurn: (turn) => onTurn?.(batchId, turn) });
  await expectExactlyOnce(harness, batchId, lines);
  const isQueueFull = faults.some((fault) => fault.kind === 'token_limit');
  await expectNeverSentTwice(harness, batchId, isQueueFull ? 'one after the other' : 'none');
  return harness.status(name);
}

async function errorCodes(status: StatusFile): Promise<string[]> {
  const { errors } = await harness.results(status.batch_id ?? '');
  return errors.map((line) => JSON.parse(line).error.code);
}

/** What goes wrong with a call has nothing to do with the form of the lines. */
const callFaults: [string, Fault[]][] = [
  ['the provider is slow', [{ kind: 'slow', delayMs: 60_000 }]],
  ['retrieving fails now and then', [{ kind: 'http_error', operation: 'retrieve', status: 500, times: 4 }]],
  ['downloading fails now and then', [{ kind: 'http_error', operation: 'results', status: 503, times: 4 }]],
  [
    'creating is rate limited',
    [{ kind: 'http_error', operation: 'create', status: 429, retryAfterSeconds: 20, times: 3 }],
  ],
  [
    'creating fails with a 500, whose effect is unknown',
    [{ kind: 'http_error', operation: 'create', status: 500, times: 2 }],
  ],
  [
    'the connection is cut before the batch is accepted',
    [{ kind: 'connection_cut', operation: 'create', when: 'before_effect', times: 2 }],
  ],
  [
    'the connection is cut after the batch was accepted',
    [{ kind: 'connection_cut', operation: 'create', when: 'after_effect', times: 1 }],
  ],
  [
    'the connection is cut while polling',
    [{ kind: 'connection_cut', operation: 'retrieve', when: 'before_effect', times: 4 }],
  ],
  [
    'listing fails after a lost create',
    [
      { kind: 'connection_cut', operation: 'create', when: 'after_effect', times: 1 },
      { kind: 'http_error', operation: 'list', status: 500, times: 4 },
    ],
  ],
  ['a status is unknown', [{ kind: 'unknown_status', status: 'pondering' }]],
  ['a download breaks off', [{ kind: 'truncated_download', how: 'connection_cut', times: 3 }]],
  ['a download ends early and well', [{ kind: 'truncated_download', how: 'clean_end', times: 2 }]],
  ['the batch cannot be found at first', [{ kind: 'not_found_yet', durationMs: 8_000 }]],
];

/** Every other one, beginning with the first at every second provider. */
function everyOther<Case>(cases: readonly Case[], line: (id: string) => string): Case[] {
  const begin = providers.findIndex(([, own]) => own === line) % 2;
  return casesOf(cases, (one) => cases.indexOf(one) % 2 === begin);
}

describe.each(providers)('%s: every request is answered although', (_name, line) => {
  it.each<[string, Fault[]]>([
    ...(line === nativeLine ? [] : everyOther(callFaults, line)),
    ['a result line is doubled', [{ kind: 'result_line', effect: 'doubled', lines: 3 }]],
    ['a foreign result line stands among ours', [{ kind: 'result_line', effect: 'foreign', lines: 2 }]],
    [
      'a third of the lines fail at first',
      [{ kind: 'line_errors', fraction: 0.4, error: 'overloaded', when: 'first_submission' }],
    ],
    ['the batch expires half done', [{ kind: 'partial', fraction: 0.5, times: 1 }]],
    ['the batch expires with nothing done', [{ kind: 'expired', times: 1 }]],
  ])('%s', async (_fault, faults) => {
    const status = await run(line, faults);
    expect(status).toMatchObject({ status: 'completed', request_counts: { total: 12, completed: 12, failed: 0 } });
    await expectNothingOpen(harness);
  });

  it.each(['lost', 'malformed'] as const)(
    'its owner wants requests sent again whose result line is %s',
    async (effect) => {
      const status = await run(line, [{ kind: 'result_line', effect, times: 1 }], { 'on-lost-result': 'resend' });
      expect(status).toMatchObject({ status: 'completed', request_counts: { completed: 12, failed: 0 } });
    },
  );

  it('says after all attempts what failed, and how often it was tried', async () => {
    const status = await run(line, [{ kind: 'line_errors', fraction: 1, error: 'rate_limit', when: 'always' }], {
      'max-attempts': '2',
    });
    expect(status).toMatchObject({ status: 'completed', output: null, request_counts: { completed: 0, failed: 12 } });
    const { errors } = await harness.results(status.batch_id ?? '');
    expect(errors.map((text) => JSON.parse(text).error.attempts)).toEqual(errors.map(() => 2));
  });

  it('says which results were lost where the provider never gives them', async () => {
    const status = await run(line, [{ kind: 'result_line', effect: 'lost', lines: 2 }]);
    expect(await errorCodes(status)).toEqual(['result_missing', 'result_missing']);
  });

  it('says which result lines could not be read', async () => {
    const status = await run(line, [{ kind: 'result_line', effect: 'malformed', lines: 2 }]);
    const codes = await errorCodes(status);
    expect(codes).toHaveLength(2);
    expect(codes.every((code) => code === 'invalid_result_line' || code === 'result_missing')).toBe(true);
  });

  it('keeps what finished before the window closed, and names the rest expired', async () => {
    const status = await run(line, [{ kind: 'partial', fraction: 0.5 }], { 'max-attempts': '1' });
    expect(status.status).toBe('expired');
    expect(status.request_counts.failed).toBe(0);
    expect(status.request_counts.completed).toBeGreaterThan(0);
    expect(new Set(await errorCodes(status))).toEqual(new Set(['batch_expired']));
  });

  it('ends at its deadline although the provider never does', async () => {
    const status = await run(line, [{ kind: 'stuck' }], { 'deadline-hours': '0.01' });
    expect(status.status).toBe('expired');
    await expectNothingOpen(harness);
  });

  it('ends at its deadline although no create ever succeeds', async () => {
    const status = await run(line, [{ kind: 'http_error', operation: 'create', status: 429 }], {
      'deadline-hours': '0.02',
    });
    expect(status).toMatchObject({ status: 'expired', request_counts: { completed: 0, failed: 0 } });
    const { errors } = await harness.results(status.batch_id ?? '');
    if (line !== nativeLine) expect(JSON.parse(errors[0] ?? '').error.message).toContain('Last obstacle');
  });

  it.each(everyOther([1, 3, 4, 6, 8], line))('cancelled at turn %i, keeps what finished', async (when) => {
    const status = await run(line, [{ kind: 'slow', delayMs: 20_000 }], {}, async (batchId, turn) => {
      if (turn === when) await cancelBatch(harness.services, batchId, new AbortController().signal);
    }).catch(async (error: unknown) => {
      // Before validation is over there is nothing to account for.
      if (when > 1) throw error;
      return harness.status(`faulty-${files}.jsonl`);
    });
    expect(status.status).toBe('cancelled');
    await expectNothingOpen(harness);
  });
});

describe.each(providers.slice(0, 2))('%s', (_name, line) => {
  it('ends at its deadline although the provider never answers again', async () => {
    const status = await run(
      line,
      [
        { kind: 'http_error', operation: 'retrieve', status: 500 },
        { kind: 'http_error', operation: 'cancel', status: 500 },
      ],
      { 'deadline-hours': '0.01' },
      (_batchId, turn) => {
        if (turn > 2) pass(600);
      },
    );
    expect(status.status).toBe('expired');
    setFaults([]);
  });
});

describe('OpenAI', () => {
  it.each<[string, Fault]>([
    ['failing the batch', { kind: 'token_limit', how: 'failed_batch', times: 2 }],
    ['refusing the create', { kind: 'token_limit', how: 'refused_create', times: 2 }],
  ])('over its token limit, %s, is asked again later', async (_how, fault) => {
    const status = await run(chatLine, [fault]);
    expect(status).toMatchObject({ status: 'completed', request_counts: { completed: 12, failed: 0 } });
  });

  it('failing a batch as a whole makes each request an error that says why', async () => {
    const status = await run(chatLine, [{ kind: 'batch_failed', code: 'invalid_batch', message: 'Not like this.' }]);
    expect(status).toMatchObject({ status: 'completed', output: null, request_counts: { failed: 12 } });
    expect(new Set(await errorCodes(status))).toEqual(new Set(['invalid_batch']));
  });

  it('is waited for where it fails its batches until somebody has paid', async () => {
    const code = 'billing_hard_limit_reached';
    files += 1;
    const lines = numbered(12, chatLine);
    setFaults([{ kind: 'batch_failed', code, message: 'Pay first.', times: 2 }]);
    const batchId = await harness.drop(`unpaid-${files}.jsonl`, fileOf(lines));
    if (batchId === null) throw new Error('refused');
    await drive(harness, batchId);
    await expectExactlyOnce(harness, batchId, lines);
    await expectNeverSentTwice(harness, batchId, 'one after the other');
    expect((await harness.results(batchId)).errors).toEqual([]);
  });

  it('refusing an upload makes each request an error that says why', async () => {
    const status = await run(chatLine, [{ kind: 'http_error', operation: 'upload', status: 400 }]);
    expect(status).toMatchObject({ status: 'completed', output: null, request_counts: { failed: 12 } });
  });
});
