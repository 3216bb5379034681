import { APIError as AnthropicError } from '@anthropic-ai/sdk';
import { APIConnectionError, APIError } from 'openai';
import { describe, expect, it } from 'vitest';
import { callError, failedCall } from '../../lib/providers/shared/http/failed-call.ts';
import { NotFoundError, TransientError } from '../../lib/records/errors.ts';

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}

/** As the SDK throws it: its own error, around fetch's, around the system's. */
function connectionError(cause: Error): Error {
  return new APIConnectionError({ cause: new TypeError('fetch failed', { cause }) });
}

describe('a failed call', () => {
  it.each([
    systemError('ECONNREFUSED', 'connect'),
    systemError('ETIMEDOUT', 'connect'),
    systemError('ENOTFOUND', 'getaddrinfo'),
    systemError('EAI_AGAIN', 'getaddrinfo'),
    Object.assign(new Error('expired'), { code: 'CERT_HAS_EXPIRED' }),
    new AggregateError([systemError('ECONNREFUSED', 'connect'), systemError('ENETUNREACH', 'connect')]),
  ])('was never sent: %s', (cause) => {
    expect(failedCall(connectionError(cause)).kind).toBe('not_connected');
  });

  it.each([
    systemError('ECONNRESET', 'read'),
    systemError('EPIPE', 'write'),
    systemError('EHOSTUNREACH', 'read'),
    Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' }),
    new AggregateError([systemError('ECONNREFUSED', 'connect'), systemError('ECONNRESET', 'read')]),
    new AggregateError([]),
  ])('may have arrived: %s', (cause) => {
    expect(failedCall(connectionError(cause)).kind).toBe('unclear');
    expect(failedCall('a text').kind).toBe('unclear');
  });

  it('names the causes without keys', () => {
    const error = connectionError(new Error('refused Bearer abcdefghijkl'));

    expect(failedCall(error)).toEqual({
      kind: 'unclear',
      message: 'Connection error.: fetch failed: refused [hidden]',
    });
  });

  it.each([
    ['7', 7],
    ['0.2', 1],
    ['-5', 0],
    [new Date(Date.now() + 60_000).toUTCString(), expect.closeTo(60, -1)],
    ['soon', null],
    ['', null],
  ])('is to be repeated after %s', (header, seconds) => {
    const error = APIError.generate(429, { error: { code: 'c' } }, undefined, new Headers({ 'retry-after': header }));

    expect(failedCall(error)).toMatchObject({ kind: 'answered', status: 429, code: 'c', retryAfterSeconds: seconds });
  });

  it.each([
    [
      '{"type":"error","error":{"type":"invalid_request_error","message":"requests.3: too long"}}',
      '400 requests.3: too long',
    ],
    ['{"type":"error"}', '400 {"type":"error"}'],
  ])('says the message of the service, and not the text of its body: %s', (body, message) => {
    const error = AnthropicError.generate(400, JSON.parse(body), undefined, new Headers());

    expect(failedCall(error)).toMatchObject({ kind: 'answered', message });
  });

  it('becomes an error of ours', () => {
    const missing = APIError.generate(404, {}, undefined, new Headers());
    const own = new TransientError('ours');

    expect(callError('The batch', missing)).toBeInstanceOf(NotFoundError);
    expect(callError('The batch', new Error('x'))).toEqual(new TransientError('The batch: x'));
    expect(callError('The batch', own)).toBe(own);
  });
});
