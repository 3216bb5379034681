import { describe, expect, it } from 'vitest';
import { batchLineForm } from '../../lib/providers/shared/http/batch-line-form.ts';
import { liveAnswer } from '../../lib/providers/shared/http/live-call.ts';

const form = batchLineForm(() => null);
const answerTo = (body: string) => liveAnswer(form, 'line0', async () => new Response(body));

describe('an answer of HTTP 200', () => {
  it.each([
    '{"error":{"code":502,"message":"Provider returned error"}}',
    '{"error":"upstream","choices":[]}',
    '{"choices":[]}',
    '{}',
    '[]',
    'upstream',
  ])('is none where it is %s', async (body) => {
    expect(await answerTo(body)).toMatchObject({ outcome: 'failed', message: expect.stringContaining('200') });
  });

  it.each(['{"error":null,"output":[]}', '{"choices":[{}]}', '{"data":[]}'])('is one where it is %s', async (body) => {
    expect(await answerTo(body)).toMatchObject({ outcome: 'answered', succeeded: true });
  });
});

it('waits where the account cannot pay, whatever the status', async () => {
  const message = '400 Your credit balance is too low to access the Anthropic API.';
  const refusal = Object.assign(new Error(message), { status: 400, headers: new Headers(), error: {} });
  expect(await liveAnswer(form, 'line0', () => Promise.reject(refusal))).toEqual({ outcome: 'unreachable', message });
});

it('waits for no payment where a server in trouble says it, which may have answered', async () => {
  const error = { code: 'insufficient_quota' };
  const refusal = Object.assign(new Error('500 no'), { status: 500, headers: new Headers(), error });
  expect(await liveAnswer(form, 'line0', () => Promise.reject(refusal))).toMatchObject({ outcome: 'failed' });
});

it.each([
  [402, 'unreachable'],
  [403, 'forbidden'],
  [400, 'answered'],
  [429, 'busy'],
  [500, 'failed'],
])('a refusal with HTTP %i is %s', async (status, outcome) => {
  const refusal = Object.assign(new Error('no'), { status, headers: new Headers(), error: { code: 'no' } });
  expect(await liveAnswer(form, 'line0', () => Promise.reject(refusal))).toMatchObject({ outcome });
});
