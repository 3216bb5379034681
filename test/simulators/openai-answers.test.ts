import { describe, expect, it } from 'vitest';
import {
  chatBody,
  createBatch,
  download,
  requestLine,
  run,
  runOne,
  startOpenAI,
  untilEnded,
} from './started-simulators.ts';

const weatherTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, unit: { enum: ['c', 'f'] } },
      required: ['city', 'unit'],
      additionalProperties: false,
    },
    strict: true,
  },
};

const closedPerson = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    age: { type: 'integer', minimum: 18, maximum: 20 },
    tags: { type: 'array', items: { type: 'string' } },
  },
  required: ['name', 'age', 'tags'],
  additionalProperties: false,
};

const pixel = 'data:image/png;base64,iVBORw0KGgo=';

describe('chat answers', () => {
  it('are a function of the request, with ids of their own', async () => {
    const { client } = await startOpenAI();
    const first = await runOne(client, chatBody('Tell me about ramen.'));
    const second = await runOne(client, chatBody('Tell me about ramen.'));
    const other = await runOne(client, chatBody('Tell me about sushi.'));
    expect(second.body.choices).toEqual(first.body.choices);
    expect(second.body.id).not.toBe(first.body.id);
    expect(first.body.choices[0].message.content).toContain('ramen');
    expect(other.body.choices[0].message.content).not.toBe(first.body.choices[0].message.content);
  });

  it('call the tool that is demanded, with arguments that fit its schema', async () => {
    const { client } = await startOpenAI();
    const named = await runOne(
      client,
      chatBody('Hi', { tools: [weatherTool], tool_choice: { type: 'function', function: { name: 'get_weather' } } }),
    );
    const required = await runOne(client, chatBody('Hi', { tools: [weatherTool], tool_choice: 'required' }));
    expect(named.body.choices[0].finish_reason).toBe('stop');
    expect(required.body.choices[0].finish_reason).toBe('tool_calls');
    const [toolCall] = required.body.choices[0].message.tool_calls;
    expect(toolCall).toMatchObject({
      id: expect.stringMatching(/^call_/),
      type: 'function',
      function: { name: 'get_weather' },
    });
    expect(JSON.parse(toolCall.function.arguments)).toEqual({
      city: expect.any(String),
      unit: expect.stringMatching(/^[cf]$/),
    });
    expect(required.body.choices[0].message.content).toBeNull();
  });

  it('left free, call a tool when the text asks for it', async () => {
    const { client } = await startOpenAI();
    const asked = await runOne(client, chatBody('Please get weather for Oslo', { tools: [weatherTool] }));
    const unasked = await runOne(client, chatBody('Hello there', { tools: [weatherTool] }));
    expect(asked.body.choices[0].message.tool_calls).toHaveLength(1);
    expect(unasked.body.choices[0].message.tool_calls).toBeUndefined();
  });

  it('satisfy a JSON schema', async () => {
    const { client } = await startOpenAI();
    const { body } = await runOne(
      client,
      chatBody('Who?', {
        response_format: { type: 'json_schema', json_schema: { name: 'person', strict: true, schema: closedPerson } },
      }),
    );
    const person = JSON.parse(body.choices[0].message.content);
    expect(person).toEqual({ name: expect.any(String), age: expect.any(Number), tags: expect.any(Array) });
    expect(person.age).toBeGreaterThanOrEqual(18);
    expect(person.age).toBeLessThanOrEqual(20);
  });

  it('stop at the token limit and at a stop sequence', async () => {
    const { client } = await startOpenAI();
    const cut = await runOne(client, chatBody('Tell me about ramen.', { max_completion_tokens: 3 }));
    expect(cut.body.choices[0].finish_reason).toBe('length');
    expect(cut.body.usage.completion_tokens).toBe(3);
    const stopped = await runOne(client, chatBody('Tell me about ramen.', { stop: ['ramen'] }));
    expect(stopped.body.choices[0].message.content).not.toContain('ramen');
    expect(stopped.body.choices[0].finish_reason).toBe('stop');
  });

  it('come as often as asked, count reasoning, and can be declined by the model', async () => {
    const { client } = await startOpenAI();
    const three = await runOne(client, chatBody('Hi', { n: 3, logprobs: true }));
    expect(three.body.choices.map((choice: { index: number }) => choice.index)).toEqual([0, 1, 2]);
    expect(three.body.choices[0].logprobs.content[0]).toHaveProperty('logprob');
    const reasoned = await runOne(client, chatBody('Hi', { model: 'o4-mini' }));
    expect(reasoned.body.usage.completion_tokens_details.reasoning_tokens).toBeGreaterThan(0);
    const declined = await runOne(client, chatBody('[[decline]]'));
    expect(declined.body.choices[0].message).toMatchObject({ content: null, refusal: expect.any(String) });
  });

  it('accept everything a conversation may hold', async () => {
    const { client } = await startOpenAI();
    const messages = [
      { role: 'system', content: 'Be kind.' },
      { role: 'developer', content: [{ type: 'text', text: 'Be brief.' }] },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: pixel } },
        ],
      },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'sunny' },
    ];
    const { status } = await runOne(client, {
      model: 'gpt-4o',
      messages,
      tools: [weatherTool],
      temperature: 0,
      seed: 1,
      user: 'u',
    });
    expect(status).toBe(200);
  });
});

describe('triggers in the text', () => {
  it.each([
    ['[[refuse]]', 400, 'invalid_prompt'],
    ['[[rate-limit]]', 429, 'rate_limit_exceeded'],
    ['[[server-error]]', 500, null],
    ['[[overloaded]]', 503, null],
  ])('%s makes an error line with status %d', async (text, status, code) => {
    const { client } = await startOpenAI();
    const { errors, batch } = await run(client, [
      requestLine('a', chatBody(`please ${text} this`)),
      requestLine('b', chatBody('fine')),
    ]);
    expect(batch.request_counts).toEqual({ total: 2, completed: 1, failed: 1 });
    expect(errors).toEqual([
      {
        id: expect.stringMatching(/^batch_req_/),
        custom_id: 'a',
        response: {
          status_code: status,
          request_id: expect.any(String),
          body: { error: { message: expect.any(String), type: expect.any(String), param: null, code } },
        },
        error: null,
      },
    ]);
  });
});

describe('a chat request that is refused', () => {
  const user = { role: 'user', content: 'hi' };
  const asked = {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }],
  };
  const image = (url: string) => ({
    messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
  });
  const format = (schema: object) => ({
    response_format: { type: 'json_schema', json_schema: { name: 'x', strict: true, schema } },
  });

  it.each<[string, object, string | null, string | null]>([
    ['no messages', { messages: undefined }, 'messages', 'missing_required_parameter'],
    ['empty messages', { messages: [] }, 'messages', 'empty_array'],
    ['messages of the wrong type', { messages: 'hi' }, 'messages', 'invalid_type'],
    ['an unknown role', { messages: [{ role: 'robot', content: 'x' }] }, 'messages[0].role', 'invalid_value'],
    ['a missing role', { messages: [{ content: 'x' }] }, 'messages[0].role', 'missing_required_parameter'],
    ['content of the wrong type', { messages: [{ role: 'user', content: 7 }] }, 'messages[0].content', 'invalid_type'],
    [
      'an unknown part',
      { messages: [{ role: 'user', content: [{ type: 'tool_use' }] }] },
      'messages[0].content[0].type',
      'invalid_value',
    ],
    ['an unknown parameter', { top_k: 5 }, 'top_k', 'unknown_parameter'],
    [
      'an unknown field of a message',
      { messages: [{ ...user, cache_control: {} }] },
      'messages[0].cache_control',
      'unknown_parameter',
    ],
    ['no room for tokens', { max_tokens: 0 }, 'max_tokens', 'integer_below_min_value'],
    ['a temperature too high', { temperature: 2.5 }, 'temperature', 'decimal_above_max_value'],
    ['max_tokens for a reasoning model', { model: 'o3', max_tokens: 5 }, 'max_tokens', 'unsupported_parameter'],
    ['temperature for a reasoning model', { model: 'gpt-5', temperature: 0.2 }, 'temperature', 'unsupported_value'],
    ['a URL that is none', image('not a url'), 'messages[0].content[0].image_url.url', 'invalid_image_url'],
    [
      'an image of an unsupported type',
      image('data:image/tiff;base64,AAAA'),
      'messages[0].content[0].image_url.url',
      'unsupported_image',
    ],
    [
      'a tool message out of place',
      { messages: [user, { role: 'tool', tool_call_id: 'x', content: '' }] },
      'messages.[1].role',
      null,
    ],
    ['a tool call without answer', { messages: [user, asked, user] }, 'messages.[1].role', null],
    ['tool_choice without tools', { tool_choice: 'required' }, 'tool_choice', null],
    ['an open schema in strict mode', format({ type: 'object', properties: {} }), 'response_format', null],
    [
      'a strict schema with an optional property',
      format({ ...closedPerson, required: ['name'] }),
      'response_format',
      null,
    ],
    ['json_object without the word', { response_format: { type: 'json_object' } }, 'messages', null],
    [
      'parameters that are no object',
      { tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'string' } } }] },
      'tools[0].function.parameters',
      'invalid_function_parameters',
    ],
  ])('for %s', async (_, more, param, code) => {
    const { client } = await startOpenAI();
    const { status, body } = await runOne(client, { model: 'gpt-4o-mini', messages: [user], ...more });
    expect(status).toBe(400);
    expect(body).toEqual({ error: { message: expect.any(String), type: 'invalid_request_error', param, code } });
  });

  it('names the supported values', async () => {
    const { client } = await startOpenAI();
    const { body } = await runOne(client, { model: 'gpt-4o', messages: [{ role: 'robot', content: '' }] });
    expect(body.error.message).toBe(
      "Invalid value: 'robot'. Supported values are: 'system', 'developer', 'user', 'assistant', 'tool', and 'function'.",
    );
  });
});

describe('the other endpoints', () => {
  it('embeddings: one unit vector per input, in the dimensions and the encoding asked for', async () => {
    const { client } = await startOpenAI();
    const body = { model: 'text-embedding-3-small', input: ['one', 'two'] };
    const usual = await runOne(client, body, '/v1/embeddings');
    expect(usual.body.data.map((each: { embedding: number[] }) => each.embedding.length)).toEqual([1536, 1536]);
    expect(usual.body.usage).toEqual({ prompt_tokens: 2, total_tokens: 2 });
    const short = await runOne(client, { ...body, dimensions: 8 }, '/v1/embeddings');
    expect(Math.hypot(...short.body.data[0].embedding)).toBeCloseTo(1, 5);
    const encoded = await runOne(client, { ...body, dimensions: 8, encoding_format: 'base64' }, '/v1/embeddings');
    const bytes = Buffer.from(encoded.body.data[0].embedding, 'base64');
    expect(bytes.readFloatLE(0)).toBeCloseTo(short.body.data[0].embedding[0], 6);
  });

  it.each([
    [{ model: 'text-embedding-3-small', input: '' }, null],
    [{ model: 'text-embedding-3-small', input: 'x', dimensions: 2000 }, 'dimensions'],
    [{ model: 'text-embedding-ada-002', input: 'x', dimensions: 5 }, null],
    [{ model: 'text-embedding-3-small' }, 'input'],
  ])('embeddings refuse %j', async (body, param) => {
    const { client } = await startOpenAI();
    const answer = await runOne(client, body, '/v1/embeddings');
    expect(answer).toMatchObject({ status: 400, body: { error: { param } } });
  });

  it('responses: messages, tool calls and JSON in their own shape', async () => {
    const { client } = await startOpenAI();
    const plain = await runOne(
      client,
      { model: 'gpt-4.1', input: 'Tell me about ramen', instructions: 'Be kind.' },
      '/v1/responses',
    );
    expect(plain.body).toMatchObject({
      object: 'response',
      status: 'completed',
      model: 'gpt-4.1-2025-04-14',
      error: null,
    });
    expect(plain.body.output).toEqual([
      {
        id: expect.stringMatching(/^msg_/),
        type: 'message',
        status: 'completed',
        role: 'assistant',
        content: [{ type: 'output_text', annotations: [], logprobs: [], text: expect.stringContaining('ramen') }],
      },
    ]);
    expect(plain.body.usage.total_tokens).toBe(plain.body.usage.input_tokens + plain.body.usage.output_tokens);
    const reasoned = await runOne(
      client,
      { model: 'o4-mini', input: [{ role: 'user', content: [{ type: 'input_text', text: 'Hi' }] }] },
      '/v1/responses',
    );
    expect(reasoned.body.output.map((item: { type: string }) => item.type)).toEqual(['reasoning', 'message']);
    const tool = { type: 'function', name: 'get_weather', parameters: weatherTool.function.parameters };
    const called = await runOne(
      client,
      { model: 'gpt-4.1', input: 'Hi', tools: [tool], tool_choice: 'required' },
      '/v1/responses',
    );
    expect(called.body.output[0]).toMatchObject({ type: 'function_call', name: 'get_weather', status: 'completed' });
    const format = { type: 'json_schema', name: 'person', schema: closedPerson, strict: true };
    const structured = await runOne(client, { model: 'gpt-4.1', input: 'Who?', text: { format } }, '/v1/responses');
    expect(JSON.parse(structured.body.output[0].content[0].text)).toHaveProperty('age');
    const cut = await runOne(
      client,
      { model: 'gpt-4.1', input: 'Tell me about ramen', max_output_tokens: 16 },
      '/v1/responses',
    );
    expect(cut.body).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
  });

  it.each([
    [{ model: 'gpt-4.1', input: 'x', messages: [] }, 'messages', 'unknown_parameter'],
    [{ model: 'gpt-4.1' }, 'input', 'missing_required_parameter'],
    [{ model: 'gpt-4.1', input: 'x', max_output_tokens: 1 }, 'max_output_tokens', 'integer_below_min_value'],
    [{ model: 'o3', input: 'x', temperature: 0 }, 'temperature', 'unsupported_parameter'],
    [{ model: 'gpt-4.1', input: [{ role: 'robot', content: 'x' }] }, 'input[0].role', 'invalid_value'],
  ])('responses refuse %j', async (body, param, code) => {
    const { client } = await startOpenAI();
    expect(await runOne(client, body, '/v1/responses')).toMatchObject({
      status: 400,
      body: { error: { param, code } },
    });
  });

  it('completions, moderations, images and videos', async () => {
    const { client } = await startOpenAI();
    const completion = await runOne(
      client,
      { model: 'gpt-3.5-turbo-instruct', prompt: ['a', 'b'], n: 2 },
      '/v1/completions',
    );
    expect(completion.body).toMatchObject({
      object: 'text_completion',
      choices: [{ index: 0 }, { index: 1 }, { index: 2 }, { index: 3 }],
    });
    const moderation = await runOne(
      client,
      { model: 'omni-moderation-latest', input: ['I will attack', 'hello'] },
      '/v1/moderations',
    );
    expect(moderation.body.results.map((result: { flagged: boolean }) => result.flagged)).toEqual([true, false]);
    expect(moderation.body.results[0].categories.violence).toBe(true);
    const image = await runOne(client, { model: 'gpt-image-1', prompt: 'a cat', n: 2 }, '/v1/images/generations');
    expect(Buffer.from(image.body.data[1].b64_json, 'base64').subarray(1, 4).toString()).toBe('PNG');
    const edit = await runOne(
      client,
      { model: 'gpt-image-1', prompt: 'a cat', images: [{ image_url: pixel }] },
      '/v1/images/edits',
    );
    expect(edit.body.data).toHaveLength(1);
    const video = await runOne(client, { model: 'sora-2', prompt: 'a cat' }, '/v1/videos');
    expect(video.body).toMatchObject({ object: 'video', status: 'completed' });
  });
});

it('keeps an answer the same however often its file is downloaded', async () => {
  const { client } = await startOpenAI();
  const { id } = await createBatch(client, [requestLine('a', chatBody('Hi'))]);
  const batch = await untilEnded(client, id);
  expect(await download(client, batch.output_file_id)).toEqual(await download(client, batch.output_file_id));
});
