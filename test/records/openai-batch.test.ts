import { expect, it } from 'vitest';
import { emptyBatch, openAIBatchSchema } from '../../lib/records/openai-batch.ts';

it('has a place for every field in a batch of which nothing is known', () => {
  const empty = emptyBatch('batch_1');

  expect(openAIBatchSchema.parse(empty)).toEqual(empty);
  expect(Object.keys(empty)).toEqual(Object.keys(openAIBatchSchema.shape));
});
