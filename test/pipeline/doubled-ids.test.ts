import { describe, expect, it } from 'vitest';
import { fileStart, splitLinesFrom } from '../../lib/lines/jsonl.ts';
import { confirmDoubledIds, noConfirmation } from '../../lib/pipeline/prepare/confirm-doubled-ids.ts';
import { RunBudget } from '../../lib/pipeline/run-budget.ts';
import { TransientError } from '../../lib/records/errors.ts';

const input = () => splitLinesFrom(chunks(), fileStart);

async function* chunks(): AsyncGenerator<Buffer> {
  yield Buffer.from('{"custom_id":"a"}\n\n{"custom_id":"b"}\n{"custom');
  yield Buffer.from('_id":"a","n":1}\n{"custom_id":"\\u0062"}\n');
}

const withTime = () => new RunBudget({ remainingMs: () => 900_000 });

describe('suspected custom_ids', () => {
  it('that are the same are confirmed, however they are written', async () => {
    const suspects = [
      { earlierLine: 1, laterLine: 4 },
      { earlierLine: 3, laterLine: 5 },
    ];
    await expect(confirmDoubledIds(input, suspects, noConfirmation, withTime())).resolves.toBeNull();
  });

  it('that only have the same hash have the input read again', async () => {
    const suspects = [
      { earlierLine: 1, laterLine: 4 },
      { earlierLine: 1, laterLine: 3 },
    ];
    await expect(confirmDoubledIds(input, suspects, noConfirmation, withTime())).rejects.toThrow(TransientError);
  });
});
