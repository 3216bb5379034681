// Makes the requests one by one. They are stored on disk, so there may be more of them than memory holds.
import { type BatchRequest, createBatch } from 'batchdrop';

async function* requests(): AsyncGenerator<BatchRequest> {
  for (let row = 1; row <= 1_000; row += 1) {
    const messages = [{ role: 'user', content: `Is row ${row} odd or even?` }];
    yield { custom_id: `row ${row}`, body: { model: 'claude-opus-4-6', max_tokens: 10, messages } };
  }
}

const { id, request_counts } = await createBatch({ provider: 'anthropic', input: requests() });
console.log(`${id} holds ${request_counts?.total} requests.`);
