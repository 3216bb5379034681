import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ParsedLine, parseRequestLine } from '../../lib/lines/request-line.ts';

function parse(value: unknown, endpoint: '/v1/chat/completions' | null = '/v1/chat/completions'): ParsedLine {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return parseRequestLine({ lineNumber: 7, bytes: Buffer.from(text) }, endpoint ?? undefined);
}

const body = { model: 'gpt-5', messages: [] };
const valid = { custom_id: 'a', method: 'POST', url: '/v1/chat/completions', body };

function errorsOf(parsed: ParsedLine) {
  return parsed.ok ? [] : parsed.errors;
}

describe('parseRequestLine', () => {
  it('gives a valid line with the places of its id and model', () => {
    const parsed = parse(valid);
    if (!parsed.ok) throw new Error('refused');
    const { bytes, spans, customId, model } = parsed.request;
    expect([customId, model]).toEqual(['a', 'gpt-5']);
    expect(bytes.toString('utf8', spans.customId.start, spans.customId.end)).toBe('"a"');
    expect(bytes.toString('utf8', spans.model.start, spans.model.end)).toBe('"gpt-5"');
  });

  // Codes and messages: OpenAI's batch guide, as recorded in its batch objects' errors.
  it.each([
    ['no JSON', '{"a":', 'invalid_json_line', null],
    ['no object', '[1]', 'invalid_json_line', null],
    ['no custom_id', { ...valid, custom_id: undefined }, 'missing_required_parameter', 'custom_id'],
    ['an empty custom_id', { ...valid, custom_id: '' }, 'missing_required_parameter', 'custom_id'],
    ['a number as custom_id', { ...valid, custom_id: 1 }, 'invalid_type', 'custom_id'],
    ['a long custom_id', { ...valid, custom_id: 'é'.repeat(257) }, 'invalid_custom_id', 'custom_id'],
    ['no method', { ...valid, method: undefined }, 'missing_required_parameter', 'method'],
    ['another method', { ...valid, method: 'GET' }, 'invalid_method', 'method'],
    ['no url', { ...valid, url: undefined }, 'missing_required_parameter', 'url'],
    ['another url', { ...valid, url: '/v1/embeddings' }, 'invalid_url', 'url'],
    ['no body', { ...valid, body: undefined }, 'missing_required_parameter', 'body'],
    ['a list as body', { ...valid, body: [] }, 'invalid_type', 'body'],
    ['no model', { ...valid, body: { messages: [] } }, 'invalid_request', 'body.model'],
    ['a number as model', { ...valid, body: { model: 4 } }, 'invalid_type', 'body.model'],
    ['streaming', { ...valid, body: { ...body, stream: true } }, 'streaming_unsupported', 'body.stream'],
    [
      'a doubled key',
      '{"custom_id":"a","custom_id":"b","method":"POST","url":"/v1/chat/completions","body":{"model":"m"}}',
      'duplicate_key',
      'custom_id',
    ],
    [
      'a doubled key, escaped',
      '{"custom_id":"a","custom\\u005fid":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m"}}',
      'duplicate_key',
      'custom_id',
    ],
    [
      'model twice',
      '{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m","model":"n"}}',
      'duplicate_key',
      'body.model',
    ],
  ])('refuses %s', (_name, line, code, param) => {
    expect(errorsOf(parse(line))).toEqual([expect.objectContaining({ code, param, line: 7 })]);
  });

  it.each([
    ['/chat/completions', '/v1/chat/completions'],
    ['v1/responses', '/v1/responses'],
    ['embeddings', '/v1/embeddings'],
    ['/v1/completions/', '/v1/completions'],
    ['https://api.openai.com/v1/chat/completions', '/v1/chat/completions'],
    ['https://r.openai.azure.com/openai/v1/chat/completions?api-version=preview', '/v1/chat/completions'],
  ])('understands the url %s as %s, in the quick way and the other', (url, endpoint) => {
    const usual = { ...valid, url, body: { ...body, seed: 1 } };
    const { body: ofUsual, ...before } = usual;
    const unusual = { body: ofUsual, ...before };
    for (const line of [usual, unusual])
      for (const stated of [null, endpoint as '/v1/chat/completions'])
        expect(parse(line, stated)).toMatchObject({ ok: true, request: { endpoint, isAddressed: false } });
    expect(parse(valid)).toMatchObject({ ok: true, request: { isAddressed: true } });
  });

  it.each([
    [
      '/v4/chat/completions',
      null,
      'It is "/v4/chat/completions". Did you mean \'/v1/chat/completions\'? Supported are ',
    ],
    ['https://r.example/openai/deployments/d/chat/completions', null, "Did you mean '/v1/chat/completions'?"],
    ['/v1/rerank', null, 'It is "/v1/rerank". Supported are /v1/responses, '],
    [7, null, 'It is 7. Supported are '],
    ['/responses', '/v1/chat/completions', 'It is "/responses", and this batch is for \'/v1/chat/completions\''],
  ] as const)('answers the url %s, in a batch for %s, with the right value', (url, endpoint, advice) => {
    const [error] = errorsOf(parse({ ...valid, url }, endpoint));
    expect(error).toMatchObject({ code: 'invalid_url', message: expect.stringContaining(advice) });
  });

  it('needs neither method nor url where both may be missing, and the endpoint is known', () => {
    const line = Buffer.from(JSON.stringify({ custom_id: 'a', body: { model: 'm', messages: [] } }));
    const parsed = (isOptional: boolean, endpoint?: '/v1/chat/completions') =>
      parseRequestLine({ lineNumber: 1, bytes: line }, endpoint, isOptional);
    expect(parsed(true, '/v1/chat/completions')).toMatchObject({ ok: true, request: { isAddressed: false } });
    expect(errorsOf(parsed(false, '/v1/chat/completions')).map(({ param }) => param)).toEqual(['method', 'url']);
    expect(errorsOf(parsed(true)).map(({ param }) => param)).toEqual(['method', 'url']);
    expect(errorsOf(parsed(false))[1]?.message).toContain("need the batch's provider and endpoint");
  });

  it('refuses bytes that are not UTF-8, which would become other characters', () => {
    const bytes = Buffer.concat([Buffer.from('{"custom_id":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(errorsOf(parseRequestLine({ lineNumber: 1, bytes }, undefined))).toEqual([
      { code: 'invalid_json_line', message: 'This line is not valid UTF-8.', param: null, line: 1 },
    ]);
  });

  it('reports everything that is wrong with a line at once', () => {
    const codes = errorsOf(parse({ method: 'POST' })).map(({ param }) => param);
    expect(codes).toEqual(['custom_id', 'url', 'body']);
  });

  it("takes Anthropic's own form in any batch", () => {
    const native = { custom_id: 'n', params: { model: 'claude-x', max_tokens: 1, messages: [] } };
    for (const parsed of [parse(native, null), parse(native)])
      expect(parsed.ok && [parsed.request.format, parsed.request.endpoint]).toEqual(['anthropic', '/v1/messages']);
    const wrong = parse({ ...native, params: { messages: [] } });
    expect(wrong).toMatchObject({ ok: false, format: 'anthropic', errors: [{ param: 'params.model' }] });
  });

  it('never throws, whatever the bytes are, and always names the line', () => {
    const anything = fc.oneof(
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .record({ custom_id: fc.anything(), method: fc.anything(), url: fc.anything(), body: fc.anything() })
        .map((value) => {
          try {
            return Buffer.from(JSON.stringify(value) ?? '');
          } catch {
            return Buffer.from('{}');
          }
        }),
    );
    fc.assert(
      fc.property(anything, (bytes) => {
        const parsed = parseRequestLine({ lineNumber: 3, bytes }, '/v1/chat/completions');
        if (parsed.ok) expect(parsed.request.customId).not.toBe('');
        else expect(parsed.errors.every((error) => error.line === 3)).toBe(true);
        if (!parsed.ok) expect(parsed.errors.length).toBeGreaterThan(0);
      }),
    );
  });

  it('survives nesting that is thousands deep', () => {
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
    const line = `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m","x":${deep}}}`;
    expect(parse(line).ok).toBe(true);
  });
});
