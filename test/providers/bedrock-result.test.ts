import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobSchema, providerBatchFrom } from '../../lib/providers/bedrock/job.ts';
import { translateResult } from '../../lib/providers/bedrock/result.ts';
import { answered as answeredLine, lineId, resultLine } from './support/lines.ts';

const message = {
  id: 'msg_bdrk_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5-20250929',
  content: [{ type: 'text', text: 'Hello!' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 3 },
};

const claude = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';

function answered(changes: Parameters<typeof answeredLine>[0] = {}) {
  return answeredLine({ model: claude, ...changes });
}

function outputLine(members: object): Buffer {
  return Buffer.from(JSON.stringify({ modelInput: { max_tokens: 5 }, recordId: lineId, ...members }));
}

describe('an answer', () => {
  it('becomes a chat completion', () => {
    const result = translateResult(outputLine({ modelOutput: message }), answered());

    expect(result).toMatchObject({
      kind: 'answered',
      succeeded: true,
      retryable: false,
      usage: { input_tokens: 13, output_tokens: 5 },
      model: 'claude-sonnet-4-5-20250929',
    });
    expect(resultLine(result)).toMatchObject({
      custom_id: 'mine',
      response: {
        status_code: 200,
        request_id: 'msg_bdrk_1',
        body: { object: 'chat.completion', choices: [{ message: { content: 'Hello!' }, finish_reason: 'stop' }] },
      },
      error: null,
    });
  });

  it('gives the arguments of a tool call with their numbers as the model wrote them', () => {
    const output = JSON.stringify({ ...message, content: [{ type: 'tool_use', id: 't', name: 'f', input: { n: 7 } }] });
    const bytes = Buffer.from(
      `{"recordId":"${lineId}","modelOutput":${output.replace('"n":7', '"n":12345678901234567890')}}`,
    );

    expect(translateResult(bytes, answered())).toMatchObject({ kind: 'answered', succeeded: true });
    expect(resultLine(translateResult(bytes, answered()))).toMatchObject({
      response: {
        body: { choices: [{ message: { tool_calls: [{ function: { arguments: '{"n":12345678901234567890}' } }] } }] },
      },
    });
  });

  it('to a Messages line is the message in its own bytes', () => {
    const bytes = Buffer.from(`{"recordId":"${lineId}","modelOutput":{"content": [],"x":1.0}}`);
    const native = translateResult(bytes, answered({ format: 'anthropic', endpoint: '/v1/messages' }));
    const wrapped = translateResult(bytes, answered({ endpoint: '/v1/messages' }));

    expect(native.kind === 'answered' && native.bytes.toString()).toBe(
      '{"custom_id":"mine","result":{"type":"succeeded","message":{"content": [],"x":1.0}}}',
    );
    expect(wrapped.kind === 'answered' && wrapped.bytes.toString()).toContain('"body":{"content":[],"x":1.0}}');
    expect(resultLine(wrapped)).toMatchObject({ custom_id: 'mine', error: null });
  });
});

describe('an error', () => {
  it.each([
    [400, 400, false],
    ['400', 400, false],
    [429, 429, true],
    [500, 500, true],
    ['ThrottlingException', 429, true],
    ['ValidationException', 400, false],
    ['ModelTimeoutException', 408, true],
    ['ModelErrorException', 500, true],
    [424, 500, true],
    ['SomethingNew', 500, true],
  ])('%s has status %i', (errorCode, status, retryable) => {
    const result = translateResult(outputLine({ error: { errorCode, errorMessage: 'Because.' } }), answered());

    expect(result).toMatchObject({ kind: 'answered', succeeded: false, retryable });
    expect(resultLine(result)).toMatchObject({
      custom_id: 'mine',
      response: { status_code: status, body: { error: { message: 'Because.' } } },
      error: { code: expect.any(String), message: 'Because.', attempts: 1 },
    });
  });

  it('to a native line has its form', () => {
    const error = { errorCode: 'ValidationException', errorMessage: 'No.' };
    const result = translateResult(outputLine({ error }), answered({ format: 'anthropic', endpoint: '/v1/messages' }));

    expect(resultLine(result)).toMatchObject({
      custom_id: 'mine',
      result: { type: 'errored', error: { error: { type: 'invalid_request_error', message: 'No.' } } },
      error: { code: 'ValidationException' },
    });
  });
});

describe('a line', () => {
  it.each([
    ['not JSON', Buffer.from('{"recordId":')],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['without an id', Buffer.from('{"modelOutput":{"content":[]}}')],
    ['without an outcome', Buffer.from(`{"recordId":"${lineId}"}`)],
    ['with an error that says nothing', Buffer.from(`{"recordId":"${lineId}","error":{}}`)],
  ])('%s is malformed', (_what, bytes) => {
    expect(translateResult(bytes, answered())).toMatchObject({ kind: 'malformed' });
  });

  it('of another sending is foreign', () => {
    expect(translateResult(outputLine({ recordId: 'b0', modelOutput: message }), answered())).toEqual({
      kind: 'foreign',
    });
  });

  it('never throws, whatever it holds', () => {
    const odd = fc.record({ modelOutput: fc.jsonValue(), error: fc.jsonValue() }, { requiredKeys: [] });
    const content = fc.array(fc.jsonValue()).map((blocks) => ({ modelOutput: { ...message, content: blocks } }));
    fc.assert(
      fc.property(fc.oneof(odd, content), (members) => {
        const result = translateResult(outputLine(members), answered());
        if (result.kind === 'answered') expect(resultLine(result).custom_id).toBe('mine');
      }),
    );
  });
});

describe('a job', () => {
  const places = {
    inputDataConfig: { s3InputDataConfig: { s3Uri: 's3://bucket/in.jsonl' } },
    outputDataConfig: { s3OutputDataConfig: { s3Uri: 's3://bucket/out/' } },
  };
  const job = (status: string, more: object = {}) =>
    providerBatchFrom(
      jobSchema.parse({ jobArn: 'arn:job/j1', jobName: 'n', modelId: 'm', ...places, status, ...more }),
    );

  it.each([
    ['Submitted', 'validating'],
    ['Validating', 'validating'],
    ['Scheduled', 'validating'],
    ['InProgress', 'in_progress'],
    ['Stopping', 'cancelling'],
    ['Completed', 'completed'],
    ['PartiallyCompleted', 'expired'],
    ['Expired', 'expired'],
    ['Stopped', 'cancelled'],
    ['Failed', 'failed'],
  ])('that is %s counts as %s', (status, phase) => {
    expect(job(status)).toMatchObject({ phase, status, isKnownStatus: true });
  });

  it('of unknown status counts as pending', () => {
    expect(job('Pondering')).toMatchObject({ phase: 'in_progress', isKnownStatus: false, resultRefs: [] });
  });

  it('promises what it counted once it has results', () => {
    const counts = { totalRecordCount: 10, successRecordCount: 6, errorRecordCount: 1 };

    expect(job('InProgress', counts)).toMatchObject({ expectedResults: null, resultRefs: [] });
    expect(job('PartiallyCompleted', counts)).toMatchObject({
      counts: { total: 10, completed: 6, failed: 1 },
      expectedResults: 7,
      resultRefs: ['s3://bucket/out/j1/in.jsonl.out'],
    });
    expect(job('Completed')).toMatchObject({
      counts: null,
      expectedResults: null,
      resultRefs: ['s3://bucket/out/j1/in.jsonl.out'],
    });
  });

  it('says why it failed, without what could be a key', () => {
    expect(job('Failed', { message: 'Bad sk-abcdefghijkl' }).failure?.message).toBe('Bad [hidden]');
  });
});
