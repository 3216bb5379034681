import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { resultFrom } from '../../lib/client/result.ts';
import { isRetryableCode, isRetryableFailure, isRetryableStatus, knownErrorCodes } from '../../lib/lines/retryable.ts';
import { openai } from '../../lib/providers/openai/provider.ts';

function readCodes(file: string, pattern: RegExp): string[] {
  return [...readFileSync(file, 'utf8').matchAll(pattern)].flatMap(([, code]) => code ?? []);
}

describe('what may be tried again', () => {
  it('is said of every code that the documentation names', () => {
    const section =
      readFileSync('docs/options.md', 'utf8').split('# Errors in result lines')[1]?.split('\n# ')[0] ?? '';
    const documented = [...section.matchAll(/^\| `(\w+)`/gm)].flatMap(([, code]) => code ?? []);
    expect(documented.length).toBeGreaterThan(5);
    expect(documented.filter((code) => !knownErrorCodes.includes(code))).toEqual([]);
  });

  it('is said of every code that a step writes into a result line', () => {
    const files = ['poll/poll', 'submit/submit', 'collect/missing-lines', 'collect/shard-results'];
    const written = [
      ...files.flatMap((file) => readCodes(`lib/pipeline/${file}.ts`, /code: '(\w+)'/g)),
      ...readCodes('lib/pipeline/poll/poll.ts', /code \?\? '(\w+)'/g),
      ...readCodes('lib/records/shard.ts', /code: '(\w+)'/g),
    ];
    expect(new Set(written).size).toBeGreaterThan(6);
    expect(written.filter((code) => !knownErrorCodes.includes(code))).toEqual([]);
  });

  it.each(knownErrorCodes)('is the same for the library and a provider, with %s', (code) => {
    const line = { id: 'r', custom_id: 'a', response: null, error: { code, message: 'It failed.' } };
    const bytes = Buffer.from(JSON.stringify(line));
    const { error } = resultFrom(bytes, '/v1/chat/completions');
    expect(error?.isRetryable).toBe(isRetryableCode(code));
    const answered = openai.translateResult(bytes, () => ({
      position: 0,
      customId: 'a',
      format: 'openai',
      endpoint: '/v1/chat/completions',
      model: 'm',
      attempts: 1,
    }));
    if (answered.kind === 'answered') expect(answered.retryable).toBe(isRetryableCode(code));
  });

  it('holds for a lost connection, which is nobody’s fault', () => {
    const bytes = Buffer.from('{"custom_id":"a","response":null,"error":{"code":"connection_failed"}}');
    expect(resultFrom(bytes, '/v1/chat/completions').error?.isRetryable).toBe(true);
  });

  it('does not follow from a code that nobody knows, or that a provider gave to its whole batch', () => {
    expect(isRetryableCode('content_policy_violation')).toBe(false);
    expect(isRetryableFailure('server_error')).toBe(false);
    expect(isRetryableFailure('result_missing')).toBe(false);
    expect(isRetryableFailure('batch_expired')).toBe(true);
  });

  it('follows from the status where there is one', () => {
    expect([0, 400, 401, 402, 404, 408, 409, 422, 429, 500, 503, 529].filter(isRetryableStatus)).toEqual([
      0, 402, 408, 409, 429, 500, 503, 529,
    ]);
  });
});
