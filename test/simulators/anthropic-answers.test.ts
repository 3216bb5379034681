import type Anthropic from '@anthropic-ai/sdk';
import { describe, expect, it } from 'vitest';
import { anthropicClient, runMessage, startAnthropic } from './started-simulators.ts';

type Result = Anthropic.Messages.MessageBatchResult;

function messageOf(result: Result): Anthropic.Messages.Message {
  if (result.type !== 'succeeded') throw new Error(JSON.stringify(result));
  return result.message;
}

const tool = {
  name: 'get_weather',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
const closed = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};

describe('answers', () => {
  it('are a function of the request, with ids of their own and usage in every field', async () => {
    const { client } = await startAnthropic();
    const first = messageOf(await runMessage(client, 'Tell me about ramen.'));
    const second = messageOf(await runMessage(client, 'Tell me about ramen.'));
    expect(second.content).toEqual(first.content);
    expect(second.id).not.toBe(first.id);
    expect(first).toMatchObject({
      type: 'message',
      role: 'assistant',
      stop_reason: 'end_turn',
      stop_sequence: null,
      model: 'claude-sonnet-4-5',
    });
    expect(first.usage).toMatchObject({
      input_tokens: expect.any(Number),
      output_tokens: expect.any(Number),
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
      service_tier: 'batch',
    });
  });

  it('call tools, satisfy schemas, think, and stop where they must', async () => {
    const { client } = await startAnthropic();
    const called = messageOf(await runMessage(client, 'Hi', { tools: [tool], tool_choice: { type: 'any' } }));
    expect(called.stop_reason).toBe('tool_use');
    expect(called.content).toEqual([
      {
        type: 'tool_use',
        id: expect.stringMatching(/^toolu_01/),
        name: 'get_weather',
        input: { city: expect.any(String) },
      },
    ]);
    const asked = messageOf(await runMessage(client, 'Use get_weather now', { tools: [tool] }));
    expect(asked.stop_reason).toBe('tool_use');
    const kept = messageOf(
      await runMessage(client, 'Use get_weather now', { tools: [tool], tool_choice: { type: 'none' } }),
    );
    expect(kept.stop_reason).toBe('end_turn');
    const structured = messageOf(
      await runMessage(client, 'Where?', { output_config: { format: { type: 'json_schema', schema: closed } } }),
    );
    expect(structured.content[0]).toMatchObject({ type: 'text' });
    expect(JSON.parse(structured.content[0]?.type === 'text' ? structured.content[0].text : '')).toHaveProperty('city');
    const thinking = messageOf(
      await runMessage(client, 'Hi', { max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 2000 } }),
    );
    expect(thinking.content.map((block) => block.type)).toEqual(['thinking', 'text']);
    const cut = messageOf(await runMessage(client, 'Tell me about ramen', { max_tokens: 2 }));
    expect(cut).toMatchObject({ stop_reason: 'max_tokens', usage: { output_tokens: 2 } });
    const stopped = messageOf(await runMessage(client, 'Tell me about ramen', { stop_sequences: ['ramen'] }));
    expect(stopped).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: 'ramen' });
    expect(messageOf(await runMessage(client, '[[decline]]')).stop_reason).toBe('refusal');
  });

  it('count what is marked for the cache', async () => {
    const { client } = await startAnthropic();
    const system = [{ type: 'text', text: 'x'.repeat(8000), cache_control: { type: 'ephemeral', ttl: '1h' } }];
    const { usage } = messageOf(await runMessage(client, 'Hi', { system }));
    expect(usage.cache_creation?.ephemeral_1h_input_tokens).toBe(usage.cache_creation_input_tokens);
    expect(usage.cache_creation_input_tokens).toBeGreaterThan(1900);
  });

  it('take a conversation with tools and images, and the same role twice in a row', async () => {
    const { client } = await startAnthropic();
    const messages = [
      { role: 'user', content: 'Hi' },
      {
        role: 'user',
        content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } }],
      },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: {} }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'sunny' }] },
    ];
    expect((await runMessage(client, '', { messages, tools: [tool] })).type).toBe('succeeded');
  });
});

describe('a request that errs', () => {
  const user = { role: 'user', content: 'hi' };
  const used = { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'f', input: {} }] };
  const result = { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_9' }] };

  it.each<[string, object, string]>([
    ['no max_tokens', { max_tokens: undefined }, 'max_tokens: Field required'],
    ['max_tokens 0', { max_tokens: 0 }, 'max_tokens: Input should be greater than or equal to 1'],
    ['stream', { stream: true }, 'stream'],
    ['no messages', { messages: [] }, 'messages: List should have at least 1 item'],
    ['a system message', { messages: [{ role: 'system', content: 'x' }, user] }, 'top-level `system` parameter'],
    [
      'an unknown role',
      { messages: [{ role: 'tool', content: 'x' }] },
      "messages.0.role: Input should be 'user' or 'assistant'",
    ],
    ['empty content', { messages: [{ role: 'user', content: '' }] }, 'non-empty content'],
    ['an unknown parameter', { frequency_penalty: 1 }, 'frequency_penalty: Extra inputs are not permitted'],
    ['a sampling parameter', { temperature: 1 }, 'temperature: Extra inputs are not permitted'],
    [
      'an unknown block',
      { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] },
      'messages.0.content.0.type',
    ],
    [
      'an image that is no base64',
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: '!!' } }],
          },
        ],
      },
      'base64',
    ],
    ['a tool without schema', { tools: [{ name: 'f' }] }, 'input_schema: Field required'],
    [
      'a tool schema that is no object',
      { tools: [{ name: 'f', input_schema: { type: 'string' } }] },
      'tools.0.input_schema.type',
    ],
    ['an OpenAI tool', { tools: [{ type: 'function', function: { name: 'f' } }] }, 'tools.0'],
    ['tool_choice as text', { tools: [tool], tool_choice: 'auto' }, 'tool_choice: Input should be a valid dictionary'],
    [
      'a tool use without result',
      { messages: [user, used, user] },
      '`tool_use` ids were found without `tool_result` blocks',
    ],
    ['a result without tool use', { messages: [user, result] }, 'unexpected `tool_use_id`'],
    [
      'an open output schema',
      { output_config: { format: { type: 'json_schema', schema: { type: 'object' } } } },
      "'additionalProperties' must be explicitly set to false",
    ],
    [
      'a thinking budget over the limit',
      { thinking: { type: 'enabled', budget_tokens: 2000 } },
      '`max_tokens` must be greater',
    ],
  ])('for %s', async (_, more, message) => {
    const { client } = await startAnthropic();
    expect(await runMessage(client, 'hi', more)).toEqual({
      type: 'errored',
      error: {
        type: 'error',
        error: { type: 'invalid_request_error', message: expect.stringContaining(message) },
        request_id: expect.stringMatching(/^req_/),
      },
    });
  });

  it.each([
    ['[[refuse]]', 'invalid_request_error'],
    ['[[rate-limit]]', 'rate_limit_error'],
    ['[[server-error]]', 'api_error'],
    ['[[overloaded]]', 'overloaded_error'],
  ])('for the trigger %s', async (text, type) => {
    const { client } = await startAnthropic();
    expect(await runMessage(client, text)).toMatchObject({ type: 'errored', error: { error: { type } } });
  });

  it('for a model of another provider, and for a temperature that a newer model refuses', async () => {
    const { simulator, client } = await startAnthropic();
    expect(await runMessage(client, 'hi', { model: 'gpt-4o' })).toMatchObject({
      error: { error: { type: 'not_found_error' } },
    });
    const older = anthropicClient(simulator.url, '2023-06-01');
    expect((await runMessage(older, 'hi', { model: 'claude-opus-4-7', temperature: 0.5 })).type).toBe('errored');
    expect((await runMessage(older, 'hi', { model: 'claude-opus-4-7', temperature: 1 })).type).toBe('succeeded');
    expect((await runMessage(older, 'hi', { model: 'claude-opus-4-20250514', temperature: 0.5 })).type).toBe(
      'succeeded',
    );
  });
});
