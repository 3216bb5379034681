import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { familyOf } from '../../lib/providers/bedrock/model-family.ts';
import { translateRequest } from '../../lib/providers/bedrock/request.ts';
import { translateResult } from '../../lib/providers/bedrock/result.ts';
import type { TranslatedRequest } from '../../lib/providers/contract.ts';
import { examinerOf } from '../../simulators/bedrock/models.ts';
import { SeededRandom } from '../../simulators/seeded-random.ts';
import { runs } from '../seed.ts';
import { answered, lineId, lineOf, openAILine, resultLine, sent } from './support/lines.ts';

const models = {
  claude: 'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
  nova: 'us.amazon.nova-lite-v1:0',
  llama: 'us.meta.llama3-3-70b-instruct-v1:0',
  mistralPrompt: 'mistral.mixtral-8x7b-instruct-v0:1',
  mistralChat: 'mistral.mistral-large-2407-v1:0',
  converse: 'ai21.jamba-1-5-large-v1:0',
  titan: 'amazon.titan-embed-text-v2:0',
} as const;
type Family = keyof typeof models;
const chatFamilies = ['nova', 'llama', 'mistralPrompt', 'mistralChat', 'converse'] as const;

const question = [{ role: 'user', content: 'Who?' }];
const call = { id: 'call_1', type: 'function', function: { name: 'look', arguments: '{"n":12345678901234567890}' } };
const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }];
const image = { type: 'image_url', image_url: { url: 'data:image/jpg;base64,AAAA' } };
const pdf = { type: 'file', file: { filename: 'a  report_1.pdf', file_data: 'JVBERi0x' } };

function chat(family: Family, body: object): TranslatedRequest {
  const line = lineOf(openAILine('mine', { model: models[family], messages: question, ...body }));
  return translateRequest(line, { lineId, model: models[family] });
}

function embed(body: object): TranslatedRequest {
  const line = lineOf(openAILine('mine', { model: models.titan, ...body }, '/v1/embeddings'));
  return translateRequest(line, { lineId, model: models.titan });
}

function inputOf(translated: TranslatedRequest): unknown {
  return sent(translated).modelInput;
}

function textOf(translated: TranslatedRequest): string {
  return translated.ok ? translated.bytes.toString() : JSON.stringify(translated.error);
}

function warned(translated: TranslatedRequest): string[] {
  return translated.ok ? translated.warnings.map(({ param, code }) => `${code} ${param}`) : [translated.error.message];
}

function refused(translated: TranslatedRequest): string | null {
  return translated.ok ? 'taken' : translated.error.param;
}

describe('a model', () => {
  it.each([
    ['us-gov.anthropic.claude-3-7-sonnet-20250219-v1:0', 'Claude on Bedrock', 'InvokeModel'],
    ['amazon.nova-micro-v1:0', 'Nova on Bedrock', 'InvokeModel'],
    [
      'arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.amazon.nova-pro-v1:0',
      'Nova on Bedrock',
      'InvokeModel',
    ],
    ['meta.llama3-8b-instruct-v1:0', 'Llama on Bedrock', 'InvokeModel'],
    ['mistral.mistral-7b-instruct-v0:2', 'This model of Mistral on Bedrock', 'InvokeModel'],
    ['eu.mistral.pixtral-large-2502-v1:0', 'Mistral on Bedrock', 'InvokeModel'],
    ['amazon.titan-embed-text-v2:0', 'Titan on Bedrock', 'InvokeModel'],
    ['us.meta.llama4-scout-17b-instruct-v1:0', 'Converse in batches', 'Converse'],
    ['openai.gpt-oss-120b-1:0', 'Converse in batches', 'Converse'],
    ['deepseek.v3.2', 'Converse in batches', 'Converse'],
    ['arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123', 'Converse in batches', 'Converse'],
    ['arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/amazon.nova-lite-v1:0', 'Nova on Bedrock', 'InvokeModel'],
  ])('%s is of %s', (model, name, invocation) => {
    expect(familyOf(model)).toMatchObject({ name, invocation });
  });

  it.each([
    'cohere.embed-english-v3',
    'amazon.titan-embed-text-v1',
    'amazon.titan-embed-image-v1',
    'amazon.nova-canvas-v1:0',
    'amazon.nova-2-multimodal-embeddings-v1:0',
    'us.twelvelabs.pegasus-1-2-v1:0',
    'stability.sd3-5-large-v1:0',
    'arn:aws:bedrock:us-east-1:123456789012:imported-model/abc123',
    'arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-lite-v1:0:300k/abc123',
    'arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/abc123',
    'arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc123',
  ])('%s is of none', (model) => {
    expect(familyOf(model)).toBeNull();
  });
});

describe('every body', () => {
  it.each(chatFamilies)('of %s has its numbers as they were written', (family) => {
    const text = `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"role":"user","content":"caf\\u00e9 1e400"}],"temperature":0.50,"top_p":1.0}}`;
    const translated = translateRequest(lineOf(text), { lineId, model: models[family] });

    expect(textOf(translated)).toMatch(/"temperature":0\.50,"top_?[pP]":1\.0/);
    expect(textOf(translated)).toContain('café 1e400');
  });

  it.each(chatFamilies)('of %s warns of what it lacks, and says what it changed', (family) => {
    const body = {
      temperature: 1.5,
      seed: 1,
      user: 'u',
      logit_bias: { 1: 1 },
      max_tokens: 9,
      max_completion_tokens: 8,
    };

    expect(warned(chat(family, body)).toSorted()).toEqual([
      'parameter_changed body.temperature',
      'parameter_dropped body.logit_bias',
      'parameter_dropped body.max_tokens',
      'parameter_dropped body.seed',
      'parameter_dropped body.user',
    ]);
  });

  it.each(chatFamilies)('of %s is refused for what changes the answer’s form, by name', (family) => {
    for (const [name, value] of Object.entries({ n: 2, logprobs: true, audio: {}, functions: [{}] }))
      expect(refused(chat(family, { [name]: value }))).toBe(`body.${name}`);
    for (const [name, value] of Object.entries({
      n: 1,
      logprobs: false,
      store: false,
      modalities: ['text'],
      tools: [],
    }))
      expect(warned(chat(family, { [name]: value }))).toEqual([]);
  });

  it.each(['llama', 'mistralPrompt', 'converse'] as const)('of %s has no tools, and says so', (family) => {
    const history = [...question, { role: 'assistant', tool_calls: [call] }];

    expect(refused(chat(family, { tools }))).toBe('body.tools');
    expect(refused(chat(family, { messages: history }))).toBe('body.messages[1].tool_calls');
    expect(refused(chat(family, { tool_choice: 'required' }))).toBe('body.tool_choice');
  });

  it.each(chatFamilies)('of %s is refused with an image that Bedrock would have to fetch', (family) => {
    const messages = [
      { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://a.example/a.png' } }] },
    ];

    expect(refused(chat(family, { messages }))).toMatch(/^body\.messages\[0\]\.content\[0\]/);
  });
});

describe('Nova', () => {
  it('gets turns that alternate, the system before them, and results with what is said next', () => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'One.' },
      { role: 'user', content: [image, { type: 'text', text: 'Two.' }] },
      { role: 'assistant', content: 'I look.', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: '' },
      { role: 'developer', content: 'Be kind.' },
      { role: 'user', content: 'And?' },
    ];
    const translated = chat('nova', { messages, tools });

    expect(inputOf(translated)).toMatchObject({
      schemaVersion: 'messages-v1',
      system: [{ text: 'Be brief.' }, { text: 'Be kind.' }],
      messages: [
        {
          role: 'user',
          content: [{ text: 'One.' }, { image: { format: 'jpeg', source: { bytes: 'AAAA' } } }, { text: 'Two.' }],
        },
        { role: 'assistant', content: [{ text: 'I look.' }, { toolUse: { toolUseId: 'call_1', name: 'look' } }] },
        { role: 'user', content: [{ toolResult: { toolUseId: 'call_1', content: [] } }, { text: 'And?' }] },
      ],
    });
    expect(textOf(translated)).toContain('"input":{"n":12345678901234567890}');
    expect(warned(translated)).toEqual(['parameter_changed body.messages[5]']);
  });

  it.each([
    ['auto', { auto: {} }],
    ['required', { any: {} }],
    [{ type: 'function', function: { name: 'look' } }, { tool: { name: 'look' } }],
  ])('gets the tool choice %j', (choice, expected) => {
    expect(inputOf(chat('nova', { tools, tool_choice: choice }))).toMatchObject({
      toolConfig: { toolChoice: expected },
    });
  });

  it.each([
    ['none', {}, undefined, []],
    ['low', {}, 'low', []],
    ['minimal', {}, 'low', ['parameter_changed body.reasoning_effort']],
    ['high', {}, 'high', []],
    ['max', {}, 'high', ['parameter_changed body.reasoning_effort']],
    ['high', { max_tokens: 9 }, 'medium', ['parameter_changed body.reasoning_effort']],
  ])('2 thinks with %s and %j', (effort, more, expected, warnings) => {
    const model = 'us.amazon.nova-2-lite-v1:0';
    const line = lineOf(openAILine('mine', { model, messages: question, reasoning_effort: effort, ...more }));
    const translated = translateRequest(line, { lineId, model });

    const reasoningConfig = expected && { type: 'enabled', maxReasoningEffort: expected };
    expect(inputOf(translated)).toHaveProperty('schemaVersion');
    expect(Object(inputOf(translated)).inferenceConfig?.reasoningConfig).toEqual(reasoningConfig);
    expect(warned(translated)).toEqual(warnings);
    expect(examinerOf(model, 'InvokeModel')?.(Object(inputOf(translated)))).not.toHaveProperty('error');
  });

  it('1 does not think', () => {
    expect(warned(chat('nova', { reasoning_effort: 'low' }))).toEqual(['parameter_dropped body.reasoning_effort']);
    expect(refused(chat('nova', { reasoning_effort: 'some' }))).toBe('body.reasoning_effort');
  });

  it('gets no tools where none may be called, and always those that were called', () => {
    const messages = [...question, { role: 'assistant', tool_calls: [call] }, { role: 'tool', tool_call_id: 'call_1' }];

    expect(inputOf(chat('nova', { tools, tool_choice: 'none' }))).not.toHaveProperty('toolConfig');
    expect(refused(chat('nova', { tools, tool_choice: 'none', messages }))).toBe('body.tool_choice');
    expect(refused(chat('nova', { messages }))).toBe('body.tools');
    expect(refused(chat('nova', { tool_choice: 'required' }))).toBe('body.tools');
    expect(warned(chat('nova', { tool_choice: 'auto' }))).toEqual([]);
  });

  it.each([
    ['a document', { messages: [{ role: 'user', content: [pdf] }] }, 'body.messages[0].content[0]'],
    ['no question', { messages: [{ role: 'assistant', content: 'x' }] }, 'body.messages'],
    [
      'an id that Bedrock would refuse',
      { messages: [{ role: 'tool', tool_call_id: 'a b' }] },
      'body.messages[0].tool_call_id',
    ],
    ['a form for its answer', { response_format: { type: 'json_object' } }, 'body.response_format'],
    ['nothing said', { messages: [{ role: 'user', content: ' ' }] }, 'body.messages[0].content'],
  ])('is refused with %s', (_what, body, param) => {
    expect(refused(chat('nova', body))).toBe(param);
  });
});

const talk = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'One?' },
  { role: 'assistant', content: 'First.' },
  {
    role: 'user',
    content: [
      { type: 'text', text: 'Two' },
      { type: 'text', text: 'three?' },
    ],
  },
];

describe('a prompt', () => {
  it('of Llama is the conversation in its own tokens', () => {
    expect(inputOf(chat('llama', { messages: talk, max_tokens: 5, temperature: 0, stop: 'x' }))).toEqual({
      prompt:
        '<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>' +
        '<|start_header_id|>user<|end_header_id|>\n\nOne?<|eot_id|>' +
        '<|start_header_id|>assistant<|end_header_id|>\n\nFirst.<|eot_id|>' +
        '<|start_header_id|>user<|end_header_id|>\n\nTwo\n\nthree?<|eot_id|>' +
        '<|start_header_id|>assistant<|end_header_id|>\n\n',
      max_gen_len: 5,
      temperature: 0,
    });
    expect(warned(chat('llama', { stop: 'x' }))).toEqual(['parameter_dropped body.stop']);
  });

  it('of Mistral is the conversation in its own tokens', () => {
    expect(inputOf(chat('mistralPrompt', { messages: talk, max_tokens: 5, stop: 'x' }))).toEqual({
      prompt: '<s>[INST] Be brief.\n\nOne? [/INST] First.</s> [INST] Two\n\nthree? [/INST]',
      max_tokens: 5,
      stop: ['x'],
    });
  });

  it.each([
    [models.llama, { max_gen_len: 2048 }],
    ['mistral.mistral-7b-instruct-v0:2', { max_tokens: 8192 }],
    [models.mistralPrompt, { max_tokens: 4096 }],
    ['mistral.mistral-small-2402-v1:0', { max_tokens: 8192 }],
  ])('for %s allows all the tokens that it can have, unless the line says how many', (model, limit) => {
    const line = lineOf(openAILine('mine', { model, messages: question }));
    const input = inputOf(translateRequest(line, { lineId, model }));

    expect(input).toEqual({ prompt: expect.any(String), ...limit });
    expect(examinerOf(model, 'InvokeModel')?.(Object(input))).not.toHaveProperty('error');
  });

  it.each(['llama', 'mistralPrompt'] as const)('of %s ends with a question', (family) => {
    expect(refused(chat(family, { messages: talk.slice(0, 3) }))).toBe('body.messages');
  });
});

describe('Mistral with messages', () => {
  it('gets them as they are, and of the tools the one that must be called', () => {
    const other = { type: 'function', function: { name: 'other', strict: true } };
    const named = { type: 'function', function: { name: 'other' } };
    const translated = chat('mistralChat', { messages: talk, tools: [...tools, other], tool_choice: named, stop: 'x' });

    expect(inputOf(translated)).toEqual({
      messages: [...talk.slice(0, 3), { role: 'user', content: 'Two\n\nthree?' }],
      tools: [{ type: 'function', function: { name: 'other', parameters: { type: 'object', properties: {} } } }],
      tool_choice: 'any',
    });
    expect(warned(translated)).toEqual([
      'parameter_dropped body.stop',
      'parameter_dropped body.tools[].function.strict',
    ]);
    expect(inputOf(chat('mistralChat', { tools, tool_choice: 'required' }))).toMatchObject({ tool_choice: 'any' });
    expect(refused(chat('mistralChat', { tool_choice: 'required' }))).toBe('body.tools');
  });

  it('is refused with a document', () => {
    expect(refused(chat('mistralChat', { messages: [{ role: 'user', content: [pdf] }] }))).toBe(
      'body.messages[0].content[0]',
    );
  });
});

describe('Converse', () => {
  it('gets documents under a name that it takes', () => {
    const content = [pdf, { type: 'text', text: 'What is in it?' }];
    const translated = chat('converse', { messages: [{ role: 'user', content }] });

    expect(inputOf(translated)).toEqual({
      messages: [
        {
          role: 'user',
          content: [
            { document: { format: 'pdf', name: 'a report 1 pdf', source: { bytes: 'JVBERi0x' } } },
            { text: 'What is in it?' },
          ],
        },
      ],
    });
    expect(warned(translated)).toEqual(['parameter_changed body.messages[].content[].file.filename']);
    expect(refused(chat('converse', { messages: [{ role: 'user', content: [pdf] }] }))).toBe('body.messages[].content');
  });

  it('gets every document under a name of its own', () => {
    const file = (filename?: string) => ({ type: 'file', file: { filename, file_data: 'JVBERi0x' } });
    const long = 'x'.repeat(200);
    const text = { type: 'text', text: 'Compare.' };
    const messages = [
      { role: 'user', content: [file(), file('A'), file('a 2'), file(long), text] },
      { role: 'assistant', content: 'They differ.' },
      { role: 'user', content: [file(), file('a'), file('a'), file(long), text] },
    ];
    const translated = chat('converse', { messages });
    const input = Object(inputOf(translated));
    const blocks: { document?: { name: string } }[] = input.messages.flatMap((turn: { content: [] }) => turn.content);

    expect(blocks.flatMap(({ document }) => document?.name ?? [])).toEqual([
      'document',
      'A',
      'a 2',
      long,
      'document 2',
      'a 3',
      'a 4',
      `${long.slice(0, 198)} 2`,
    ]);
    expect(warned(translated)).toEqual(['parameter_changed body.messages[].content[].file.filename']);
    expect(examinerOf(models.converse, 'ConverseInBatch')?.(input)).not.toHaveProperty('error');
  });

  it('gets a schema as text, its numbers as they were written', () => {
    const body =
      '{"model":"m","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"maximum":12345678901234567890}}}}';
    const line = lineOf(`{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":${body}}`);

    expect(sent(translateRequest(line, { lineId, model: models.converse }))).toMatchObject({
      modelInput: {
        outputConfig: {
          textFormat: {
            type: 'json_schema',
            structure: { jsonSchema: { name: 'n', schema: '{"maximum":12345678901234567890}' } },
          },
        },
      },
    });
    expect(refused(chat('converse', { response_format: { type: 'json_object' } }))).toBe('body.response_format');
  });
});

describe('Titan', () => {
  it('gets one text', () => {
    expect(inputOf(embed({ input: ['Hello'], dimensions: 512, encoding_format: 'float' }))).toEqual({
      inputText: 'Hello',
      dimensions: 512,
    });
  });

  it.each([
    ['several texts', { input: ['a', 'b'] }, 'body.input'],
    ['tokens', { input: [1, 2] }, 'body.input'],
    ['base64', { input: 'a', encoding_format: 'base64' }, 'body.encoding_format'],
    ['half a dimension', { input: 'a', dimensions: 0.5 }, 'body.dimensions'],
  ])('is refused with %s', (_what, body, param) => {
    expect(refused(embed(body))).toBe(param);
  });

  it('takes embeddings only, and the others none', () => {
    expect(refused(chat('titan', {}))).toBe('url');
    const line = lineOf(openAILine('mine', { model: models.nova, input: 'a' }, '/v1/embeddings'));
    expect(refused(translateRequest(line, { lineId, model: models.nova }))).toBe('url');
  });
});

function resultOf(
  family: Family,
  output: string,
  endpoint: '/v1/chat/completions' | '/v1/embeddings' = '/v1/chat/completions',
) {
  const bytes = Buffer.from(`{"modelInput":{},"recordId":"${lineId}","modelOutput":${output}}`);
  return translateResult(bytes, answered({ model: models[family], endpoint }));
}

describe('an answer', () => {
  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['max_tokens', 'length'],
    ['content_filtered', 'content_filter'],
    ['guardrail_intervened', 'content_filter'],
    ['something_new', 'stop'],
  ])('of Nova and of Converse that ended by %s ends by %s', (stopReason, finishReason) => {
    const message = { role: 'assistant', content: [{ text: 'Hel' }, { text: 'lo' }] };
    const usage = { inputTokens: 7, outputTokens: 5, totalTokens: 15, cacheReadInputTokens: 3 };
    for (const family of ['nova', 'converse'] as const) {
      const result = resultOf(family, JSON.stringify({ output: { message }, stopReason, usage }));

      expect(result).toMatchObject({ kind: 'answered', succeeded: true, model: models[family] });
      expect(resultLine(result)).toMatchObject({
        custom_id: 'mine',
        response: {
          status_code: 200,
          body: {
            object: 'chat.completion',
            model: models[family],
            choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: finishReason }],
            usage: { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 3 } },
          },
        },
        error: null,
      });
    }
  });

  it('has calls of tools with their numbers as the model wrote them, and its reasoning', () => {
    const content = `[{"reasoningContent":{"reasoningText":{"text":"Hm."}}},{"toolUse":{"toolUseId":"t","name":"f","input":{"n":12345678901234567890}}}]`;

    expect(
      resultLine(resultOf('nova', `{"output":{"message":{"content":${content}}},"stopReason":"tool_use"}`)),
    ).toMatchObject({
      response: {
        body: {
          choices: [
            {
              message: {
                content: null,
                reasoning_content: 'Hm.',
                tool_calls: [
                  { id: 't', type: 'function', function: { name: 'f', arguments: '{"n":12345678901234567890}' } },
                ],
              },
              finish_reason: 'tool_calls',
            },
          ],
        },
      },
    });
  });

  it('of Nova that was silenced says so', () => {
    const output = { output: { message: { role: 'assistant', content: [] } }, stopReason: 'content_filtered' };

    expect(resultLine(resultOf('nova', JSON.stringify(output)))).toMatchObject({
      response: {
        body: { choices: [{ message: { content: null, refusal: expect.stringContaining('content_filtered') } }] },
      },
    });
  });

  it.each(['malformed_model_output', 'malformed_tool_use'])('of nothing but %s may be tried again', (stopReason) => {
    const usage = { inputTokens: 7, outputTokens: 5, totalTokens: 12 };
    const output = (content: object[]) => JSON.stringify({ output: { message: { content } }, stopReason, usage });
    for (const family of ['nova', 'converse'] as const) {
      const broken = resultOf(family, output([]));

      expect(broken).toMatchObject({ succeeded: false, retryable: true, usage: { input_tokens: 7, output_tokens: 5 } });
      expect(resultLine(broken)).toMatchObject({ custom_id: 'mine', error: { code: 'generation_error' } });
      expect(resultOf(family, output([{ text: 'Half' }]))).toMatchObject({ succeeded: true });
    }
  });

  it('of Llama says its tokens', () => {
    const output = { generation: 'Hi', prompt_token_count: 3, generation_token_count: 1, stop_reason: 'length' };

    expect(resultLine(resultOf('llama', JSON.stringify(output)))).toMatchObject({
      response: {
        body: {
          choices: [{ message: { content: 'Hi' }, finish_reason: 'length' }],
          usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
        },
      },
    });
  });

  it('to a prompt of Mistral says no tokens', () => {
    const result = resultOf('mistralPrompt', '{"outputs":[{"text":" Hi","stop_reason":"stop"}]}');

    expect(result).toMatchObject({ kind: 'answered', usage: null });
    expect(resultLine(result)).toMatchObject({
      response: { body: { choices: [{ message: { content: ' Hi' }, finish_reason: 'stop' }] } },
    });
    expect(resultLine(result)).not.toHaveProperty('response.body.usage');
  });

  it.each(['stop_reason', 'finish_reason'])('of Mistral says by its %s why it ended', (member) => {
    const calls = [{ id: 'abcdefghi', function: { name: 'f', arguments: '{}' } }];
    const output = { choices: [{ index: 0, message: { content: '', tool_calls: calls }, [member]: 'tool_calls' }] };

    expect(resultLine(resultOf('mistralChat', JSON.stringify(output)))).toMatchObject({
      response: {
        body: {
          id: `chatcmpl-${lineId}`,
          model: models.mistralChat,
          choices: [{ message: { content: null, tool_calls: [{ id: 'abcdefghi' }] }, finish_reason: 'tool_calls' }],
        },
      },
    });
  });

  it('of Titan is the vector, number by number', () => {
    const result = resultOf('titan', '{"embedding":[0.10,-1.0e-9],"inputTextTokenCount":2}', '/v1/embeddings');

    expect(result).toMatchObject({ kind: 'answered', usage: { input_tokens: 2 } });
    expect(result.kind === 'answered' && result.bytes.toString()).toContain('"embedding":[0.10,-1.0e-9]');
  });

  it.each(Object.keys(models) as Family[])('of %s in another form is malformed', (family) => {
    for (const output of ['{}', '[]', '7', '{"choices":[],"outputs":[],"content":1,"embedding":["a"]}'])
      expect(resultOf(family, output)).toMatchObject({ kind: 'malformed' });
  });
});

const odd = fc.jsonValue();

describe('any line', () => {
  it('is translated or refused, and never loses its id', () => {
    const part = fc.record({
      type: fc.constantFrom('text', 'image_url', 'file', 'input_audio', 'refusal'),
      text: odd,
      image_url: fc.oneof(odd, fc.record({ url: fc.oneof(odd, fc.constant('data:image/png;base64,AA')) })),
      file: fc.oneof(odd, fc.record({ file_data: fc.oneof(odd, fc.constant('JVBERi0x')), filename: odd })),
    });
    const message = fc.record({
      role: fc.constantFrom('system', 'user', 'user', 'assistant', 'tool', '__proto__'),
      content: fc.oneof(fc.string(), fc.array(part), odd),
      tool_calls: fc.oneof(fc.constant(null), fc.array(fc.oneof(odd, fc.record({ id: odd, function: odd })))),
      tool_call_id: fc.oneof(fc.constant('id'), odd),
    });
    const names = [
      'tools',
      'tool_choice',
      'response_format',
      'temperature',
      'top_p',
      'stop',
      'n',
      'input',
      'dimensions',
    ];
    const others = fc.dictionary(fc.constantFrom(...names, 'max_tokens', 'toString', '__proto__'), odd);
    const family = fc.constantFrom(...(Object.keys(models) as Family[]));
    fc.assert(
      fc.property(family, fc.oneof(fc.array(message), odd), others, (name, messages, more) => {
        const translated = name === 'titan' ? embed(more) : chat(name, { ...more, messages });
        if (translated.ok) expect(sent(translated)).toMatchObject({ recordId: lineId, modelInput: expect.any(Object) });
        else expect(translated.error.param).toMatch(/^body/);
      }),
      { numRuns: runs(500) },
    );
  });

  it('of results never throws', () => {
    const block = fc.oneof(
      odd,
      fc.record({ text: odd, toolUse: odd, reasoningContent: odd, message: odd, stop_reason: odd }),
    );
    const output = fc.record(
      {
        output: fc.oneof(odd, fc.record({ message: fc.record({ content: fc.array(block) }) })),
        outputs: fc.array(block),
        choices: fc.array(block),
        generation: fc.oneof(fc.string(), odd),
        embedding: odd,
        content: fc.array(block),
        usage: odd,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.constantFrom(...(Object.keys(models) as Family[])), output, (family, value) => {
        const result = resultOf(family, JSON.stringify(value));
        if (result.kind === 'answered') expect(resultLine(result).custom_id).toBe('mine');
      }),
      { numRuns: runs(500) },
    );
  });
});

describe('the simulator', () => {
  const invocationOf = (family: Family) => (family === 'converse' ? 'ConverseInBatch' : 'InvokeModel');
  const examined = (family: Family, input: unknown) =>
    examinerOf(models[family], invocationOf(family))?.(Object(input)) ?? { error: 'no such model' };

  it.each(chatFamilies)('takes every body that is made for %s, and its answer is read', (family) => {
    const bodies = [
      { messages: talk, temperature: 2, top_p: 0.5, max_tokens: 20 },
      { stop: ['END'], user: 'u', seed: 3, reasoning_effort: 'high' },
      ...(family === 'nova' || family === 'mistralChat'
        ? [
            { tools, tool_choice: 'required', parallel_tool_calls: false },
            {
              messages: [
                ...talk,
                { role: 'assistant', tool_calls: [call] },
                { role: 'tool', tool_call_id: 'call_1', content: 'x' },
              ],
              tools,
            },
          ]
        : []),
      ...(family === 'converse'
        ? [{ response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' } } } }]
        : []),
      ...(family.startsWith('mistral') || family === 'llama'
        ? []
        : [{ messages: [{ role: 'user', content: [image, { type: 'text', text: 'What?' }] }] }]),
    ];
    for (const body of bodies) {
      const examination = examined(family, inputOf(chat(family, body)));
      if ('error' in examination) throw new Error(JSON.stringify([body, examination.error]));
      const seed = { random: new SeededRandom('a'), ids: new SeededRandom('b') };
      const result = resultOf(family, JSON.stringify(examination.answer(seed).output));
      expect(result).toMatchObject({ kind: 'answered', succeeded: true });
    }
  });

  it.each([
    ['nova', { messages: [{ role: 'user', content: 'a string' }] }],
    ['nova', { messages: [{ role: 'user', content: [{ text: 'x' }] }], temperature: 0 }],
    ['nova', { messages: [{ role: 'assistant', content: [{ text: 'x' }] }] }],
    ['nova', { messages: [{ role: 'user', content: [{ toolResult: { toolUseId: 'a', content: [] } }] }] }],
    ['llama', { prompt: 'x', stop: ['a'] }],
    ['llama', { messages: [] }],
    ['mistralPrompt', { prompt: 'x', temperature: 1.5 }],
    ['mistralChat', { messages: [{ role: 'user', content: 'x' }], stop: ['a'] }],
    ['converse', { messages: [{ role: 'user', content: [{ text: ' ' }] }] }],
    [
      'converse',
      {
        messages: [{ role: 'user', content: [{ text: 'x' }] }],
        toolConfig: { tools: [{ toolSpec: { name: 'f', inputSchema: { json: { type: 'object' } } } }] },
      },
    ],
    ['titan', { inputText: 'x', dimensions: 5 }],
    ['titan', { texts: ['x'] }],
  ] as const)('refuses of %s what Bedrock would: %j', (family, input) => {
    expect(examined(family, input)).toMatchObject({ error: { status: 400 } });
  });
});
