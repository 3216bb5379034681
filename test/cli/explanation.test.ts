import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { explanation } from '../../cli/batch/explanation.ts';
import { stateOfStatus } from '../../cli/transport/bucket/status-document.ts';

const id = `batch_${'0'.repeat(32)}`;
const document = {
  batch_id: id,
  status: 'completed',
  input: null,
  created_at: 1,
  request_counts: { total: 70_000, completed: 69_999, failed: 1 },
  output: 'out',
  errors: 'err',
  error_count: 0,
  first_error: null,
};
const shard = {
  round: 0,
  shard: 0,
  status: 'collected',
  provider: 'anthropic',
  model: 'claude-sonnet-4-5-20250929',
  providerBatchId: 'msgbatch_013Zva2CMHLNnXjNJJKqJ2EF',
  providerStatus: 'ended',
  requests: 70_000,
  completed: 69_999,
  failed: 1,
  retryable: 0,
  lastError: 'The provider did not answer in time, and said nothing about when it would. '.repeat(3),
};
const state = { ...stateOfStatus('reviews.jsonl', document), id, handle: id, shards: [shard] };
const message = 'Invalid prompt: your prompt was flagged as potentially violating our usage policy.';
const tally = {
  groups: [{ code: 'invalid_prompt', count: 1, customId: 'review-17', message }],
  isPartial: false,
};

it('what is known of a batch fits a terminal of 80 columns, and a pipe has it whole', () => {
  const narrow = stripVTControlCharacters(explanation(state, tally, 80)).split('\n');
  // Commands stay in one piece, so that they can be copied.
  const wide = narrow.filter((line) => line.length > 80 && !line.includes('batchdrop'));
  expect(wide).toEqual([]);
  expect(narrow.slice(0, 2).join('|')).toMatch(/completed:\| {2}69,999 of 70,000 answered, 1 failed$/);
  const shards = narrow.filter((line) => /^ {2}(shard|1\.1) /.test(line)).join('\n');
  expect(shards).toMatch(/69,999 +1$/);
  expect(shards).toContain('msgbatch_01');
  const whole = stripVTControlCharacters(explanation(state, tally, Number.POSITIVE_INFINITY));
  for (const part of [shard.model, shard.providerBatchId, 'collected (ended)', '70,000']) expect(whole).toContain(part);
});
