import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { eventsOf } from '../../lib/live/event-stream.ts';
import type { LiveEndpoint } from '../../lib/live/live-call.ts';

/** What an official client would get: the answer as it is, or as a stream of events. */
function serving(endpoint: LiveEndpoint, answer: object): typeof fetch {
  return async (_url, init) => {
    const { stream } = JSON.parse(String(init?.body));
    if (!stream) return new Response(JSON.stringify(answer), { headers: { 'content-type': 'application/json' } });
    const events = eventsOf(endpoint, Buffer.from(JSON.stringify(answer)), { includesUsage: true });
    return new Response(events.join(''), { headers: { 'content-type': 'text/event-stream' } });
  };
}

/** What the clients' own helpers add to an answer. */
const helperMembers = ['parsed', 'parsed_arguments', 'parsed_output', 'output_parsed'];

/** The answer itself. */
function plain(value: object): unknown {
  return JSON.parse(JSON.stringify(value, (key, member) => (helperMembers.includes(key) ? undefined : member)));
}

const usage = {
  prompt_tokens: 3,
  completion_tokens: 4,
  total_tokens: 7,
  completion_tokens_details: { reasoning_tokens: 1 },
};

function chat(...messages: object[]): object {
  const choices = messages.map((message, index) => ({
    index,
    message: { role: 'assistant', content: null, refusal: null, ...message },
    logprobs: null,
    finish_reason: 'tool_calls' in message ? 'tool_calls' : 'stop',
  }));
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'gpt-4o-mini',
    choices,
    usage,
    system_fingerprint: 'fp_1',
  };
}

const call = (id: string, text: string) => ({ id, type: 'function', function: { name: 'weather', arguments: text } });

describe('a chat completion as a stream is the same to the official client', () => {
  it.each([
    ['a text', chat({ content: 'Hello ✓ "you"\nthere' })],
    ['two choices', chat({ content: 'one' }, { content: 'two' })],
    ['tool calls', chat({ tool_calls: [call('call_1', '{"city":"Rome"}'), call('call_2', '{}')] })],
    ['a refusal', chat({ refusal: 'No.' })],
    ['an empty text', chat({ content: '' })],
  ])('%s', async (_name, answer) => {
    const client = new OpenAI({ apiKey: 'x', fetch: serving('/v1/chat/completions', answer) });
    const params = { model: 'gpt-4o-mini', messages: [{ role: 'user' as const, content: 'x' }] };

    const whole = await client.chat.completions.parse(params);
    const streamed = await client.chat.completions.stream(params).finalChatCompletion();

    expect(plain(streamed)).toEqual(plain(whole));
  });

  it('log probabilities come with their choice', async () => {
    const token = { token: 'a', logprob: -0.1, bytes: [97], top_logprobs: [] };
    const [choice] = (chat({ content: 'a' }) as { choices: object[] }).choices;
    const answer = { ...chat(), choices: [{ ...choice, logprobs: { content: [token], refusal: null } }] };
    const client = new OpenAI({ apiKey: 'x', fetch: serving('/v1/chat/completions', answer) });
    const params = { model: 'gpt-4o-mini', messages: [{ role: 'user' as const, content: 'x' }], logprobs: true };

    const streamed = await client.chat.completions.stream(params).finalChatCompletion();

    expect(streamed.choices[0]?.logprobs?.content).toEqual([token]);
  });
});

const response = (more: object) => ({
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  completed_at: 2,
  status: 'completed',
  error: null,
  incomplete_details: null,
  instructions: null,
  model: 'gpt-4o-mini',
  output: [],
  parallel_tool_calls: true,
  tools: [],
  usage: { input_tokens: 1, output_tokens: 2, total_tokens: 3 },
  metadata: {},
  ...more,
});

const outputText = (text: string, annotations: object[] = []) => ({
  type: 'message',
  id: 'msg_1',
  status: 'completed',
  role: 'assistant',
  content: [{ type: 'output_text', text, annotations, logprobs: [] }],
});

describe('a response as a stream is the same to the official client', () => {
  it.each([
    ['a text', response({ output: [outputText('Hello')] })],
    [
      'annotations',
      response({
        output: [
          outputText('See', [{ type: 'url_citation', start_index: 0, end_index: 3, url: 'https://a.b', title: 'T' }]),
        ],
      }),
    ],
    [
      'reasoning, then a tool call',
      response({
        output: [
          { type: 'reasoning', id: 'rs_1', summary: [] },
          {
            type: 'function_call',
            id: 'fc_1',
            call_id: 'call_1',
            name: 'weather',
            arguments: '{"city":"Rome"}',
            status: 'completed',
          },
        ],
      }),
    ],
    ['a refusal', response({ output: [{ ...outputText(''), content: [{ type: 'refusal', refusal: 'No.' }] }] })],
    [
      'one that was cut off',
      response({
        status: 'incomplete',
        incomplete_details: { reason: 'max_output_tokens' },
        output: [outputText('Hel')],
      }),
    ],
  ])('%s', async (_name, answer) => {
    const client = new OpenAI({ apiKey: 'x', fetch: serving('/v1/responses', answer) });
    const params = { model: 'gpt-4o-mini', input: 'x' };

    const whole = await client.responses.parse(params);
    const streamed = await client.responses.stream(params).finalResponse();

    expect(plain(streamed)).toEqual(plain(whole));
  });
});

const message = (content: object[], more: object = {}) => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-haiku-4-5',
  content,
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 5, output_tokens: 6, cache_read_input_tokens: 1, cache_creation_input_tokens: 0 },
  ...more,
});

describe('a message as a stream is the same to the official client', () => {
  it.each([
    ['a text', message([{ type: 'text', text: 'Hello ✓', citations: null }])],
    [
      'thoughts and a tool call',
      message(
        [
          { type: 'thinking', thinking: 'Hm.', signature: 'c2ln' },
          { type: 'redacted_thinking', data: 'xx' },
          { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Rome', days: [1, 2] } },
        ],
        { stop_reason: 'tool_use' },
      ),
    ],
    [
      'citations',
      message([
        {
          type: 'text',
          text: 'So.',
          citations: [
            {
              type: 'char_location',
              cited_text: 'So',
              document_index: 0,
              document_title: null,
              start_char_index: 0,
              end_char_index: 2,
              file_id: null,
            },
          ],
        },
      ]),
    ],
    [
      'a stop sequence',
      message([{ type: 'text', text: 'A', citations: null }], { stop_reason: 'stop_sequence', stop_sequence: 'B' }),
    ],
    [
      'a search by the provider',
      message([
        { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'x' } },
        { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] },
      ]),
    ],
  ])('%s', async (_name, answer) => {
    const client = new Anthropic({ apiKey: 'x', fetch: serving('/v1/messages', answer) });
    const params = { model: 'claude-haiku-4-5', max_tokens: 10, messages: [{ role: 'user' as const, content: 'x' }] };

    const whole = await client.messages.create(params);
    const streamed = await client.messages.stream(params).finalMessage();

    expect(plain(streamed)).toEqual(plain(whole));
  });
});

it('a text completion as a stream has the text of each choice', async () => {
  const answer = {
    id: 'cmpl-1',
    object: 'text_completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, text: 'Hi', logprobs: null, finish_reason: 'stop' }],
    usage,
  };
  const client = new OpenAI({ apiKey: 'x', fetch: serving('/v1/completions', answer) });
  const chunks = [];
  for await (const chunk of await client.completions.create({ model: 'm', prompt: 'x', stream: true }))
    chunks.push(chunk);

  expect(chunks.flatMap(({ choices }) => choices)).toEqual(answer.choices);
  expect(chunks.at(-1)?.usage).toEqual(usage);
});
