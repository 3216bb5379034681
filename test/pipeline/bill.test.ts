import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../lib/providers/config.ts';
import { EstimateByModel, Estimator } from '../../lib/providers/estimate/estimate.ts';
import { pricerOf } from '../../lib/providers/estimate/price.ts';
import { providerOf } from '../../lib/providers/registry.ts';
import { claudePictures, geminiPictures, openAIPictures } from '../../lib/providers/shared/picture-tokens.ts';
import type { Endpoint } from '../../lib/records/endpoints.ts';
import { placeholderLineId } from '../../lib/records/ids.ts';
import { usageOf } from '../../lib/records/usage.ts';

/**
 * Usage as the providers write it, against bills worked out by hand from their price pages. Prices are in the titles' order:
 * dollars for a million tokens of a single call, and then what a batch saves.
 */
const config = parseConfig(
  JSON.stringify({
    providers: {
      openai: { kind: 'openai', secret: 's' },
      anthropic: { kind: 'anthropic', secret: 's' },
      gemini: { kind: 'gemini', secret: 's' },
      vertex: { kind: 'vertex', secret: 's', project: 'p', location: 'us-central1', bucket: 'bucket' },
      bedrock: { kind: 'bedrock', region: 'us-east-1' },
      mistral: { kind: 'mistral', secret: 's' },
      groq: { kind: 'groq', secret: 's' },
      together: { kind: 'together', secret: 's' },
      xai: { kind: 'xai', secret: 's' },
      fireworks: { kind: 'fireworks', secret: 's', accountId: 'a' },
      live: { kind: 'live', secret: 's', api: 'openai', baseUrl: 'https://api.openai.com/v1' },
      'live-claude': { kind: 'live', secret: 's', api: 'anthropic', baseUrl: 'https://api.anthropic.com' },
      elsewhere: { kind: 'live', secret: 's', api: 'openai', baseUrl: 'https://llm.example.com/v1' },
      azure: {
        kind: 'azure',
        secret: 's',
        baseUrl: 'https://r.openai.azure.com/openai/v1',
        prices: { 'my-gpt-4o-batch': 'gpt-4o', 'my-gpt-5-mini-batch': 'gpt-5-mini' },
      },
      own: {
        kind: 'openai-compatible',
        secret: 's',
        baseUrl: 'https://llm.example.com/v1',
        prices: { 'our-*': { input: 1, cachedInput: 0.5, output: 4, batchDiscount: 0.25 }, 'their-4o': 'gpt-4o' },
      },
    },
  }),
  'bill.config.json',
);

type AccountName =
  | 'openai'
  | 'anthropic'
  | 'gemini'
  | 'vertex'
  | 'bedrock'
  | 'mistral'
  | 'groq'
  | 'together'
  | 'xai'
  | 'fireworks'
  | 'live'
  | 'live-claude'
  | 'elsewhere'
  | 'azure'
  | 'own';

interface Answer {
  account: AccountName;
  model: string;
  endpoint?: Endpoint;
  line: object;
}

function sellerOf(name: string) {
  const account = config.providers[name];
  if (!account) throw new Error(name);
  return { name, config: account, provider: providerOf(account) };
}

/** Reads a line of results as Collect does, and prices it. */
function billOf(
  { account, model, endpoint = '/v1/chat/completions', line }: Answer,
  way: 'batch' | 'single' = 'batch',
) {
  const seller = sellerOf(account);
  const answered = { position: 0, customId: 'a', format: 'openai', endpoint, model, attempts: 1 } as const;
  const result = seller.provider.translateResult(Buffer.from(JSON.stringify(line)), () => answered);
  if (result.kind !== 'answered' || !result.usage) throw new Error(`no usage: ${JSON.stringify(result)}`);
  const usd = pricerOf(seller, model)?.[way](result.usage) ?? null;
  return { usd: usd === null ? null : Math.round(usd * 1e6) / 1e6, total: result.usage.total_tokens };
}

function openAILine(body: object) {
  return { id: 'r', custom_id: placeholderLineId, response: { status_code: 200, request_id: 'q', body }, error: null };
}

function chat(usage: object, model = 'm') {
  const choices = [{ index: 0, message: { role: 'assistant', content: 'Four.' }, finish_reason: 'stop' }];
  return { id: 'c', object: 'chat.completion', created: 1, model, choices, usage };
}

function xaiLine(usage: object) {
  return { batch_request_id: placeholderLineId, batch_result: { response: { chat_get_completion: chat(usage) } } };
}

function claudeMessage(usage: object) {
  const content = [{ type: 'text', text: 'Four.' }];
  return { id: 'msg', type: 'message', role: 'assistant', model: 'm', content, stop_reason: 'end_turn', usage };
}

function claudeLine(usage: object) {
  return { custom_id: placeholderLineId, result: { type: 'succeeded', message: claudeMessage(usage) } };
}

function geminiResponse(usageMetadata: object) {
  const candidates = [{ index: 0, finishReason: 'STOP', content: { role: 'model', parts: [{ text: 'Four.' }] } }];
  return { responseId: 'r', modelVersion: 'm', candidates, usageMetadata };
}

function geminiLine(usageMetadata: object) {
  return { key: placeholderLineId, response: geminiResponse(usageMetadata) };
}

describe('the bill of OpenAI', () => {
  const openai = { account: 'openai', model: 'gpt-5-mini' } as const;

  it('cached input of GPT-5 at half of 0.025, reasoning within the output at half of 2', () => {
    // 20,000 plain * 0.125 + 80,000 cached * 0.0125 + 5,000 out * 1
    const usage = {
      prompt_tokens: 100_000,
      completion_tokens: 5_000,
      total_tokens: 105_000,
      prompt_tokens_details: { cached_tokens: 80_000, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 4_000, audio_tokens: 0 },
    };
    expect(billOf({ ...openai, line: openAILine(chat(usage)) })).toEqual({ usd: 0.0085, total: 105_000 });
  });

  it('cached input of GPT-4o costs 1.25 in a batch as well: the discounts do not stack', () => {
    // 10,000 plain * 1.25 + 90,000 cached * 1.25 + 1,000 out * 5
    const usage = {
      prompt_tokens: 100_000,
      completion_tokens: 1_000,
      total_tokens: 101_000,
      prompt_tokens_details: { cached_tokens: 90_000 },
    };
    expect(billOf({ ...openai, model: 'gpt-4o', line: openAILine(chat(usage)) }).usd).toBe(0.13);
  });

  it('cached input of GPT-4.1 has no price in a batch: it costs the 1 of other input, and 0.5 in a single call', () => {
    // 100,000 in * 1 + 1,000 out * 4; 10,000 plain * 2 + 90,000 cached * 0.5 + 1,000 out * 8
    const usage = {
      prompt_tokens: 100_000,
      completion_tokens: 1_000,
      total_tokens: 101_000,
      prompt_tokens_details: { cached_tokens: 90_000 },
    };
    const answer = { ...openai, model: 'gpt-4.1', line: openAILine(chat(usage)) };
    expect(billOf(answer).usd).toBe(0.104);
    expect(billOf(answer, 'single').usd).toBe(0.073);
  });

  it('a long prompt of GPT-5.6: all kinds at the prices of long ones', () => {
    // 150,000 plain * 4 + 100,000 read * 0.4 + 50,000 written * 5 + 2,000 out * 15
    const usage = {
      input_tokens: 300_000,
      input_tokens_details: { cached_tokens: 100_000, cache_write_tokens: 50_000 },
      output_tokens: 2_000,
      output_tokens_details: { reasoning_tokens: 1_500 },
      total_tokens: 302_000,
    };
    const body = { id: 'resp', object: 'response', model: 'gpt-5.6', output: [], usage };
    const answer = { ...openai, model: 'gpt-5.6', endpoint: '/v1/responses', line: openAILine(body) } as const;
    expect(billOf(answer)).toEqual({ usd: 0.92, total: 302_000 });
  });

  it('cache writes of GPT-5.6 at half of 5', () => {
    // 10,000 plain * 2 + 40,000 written * 2.5 + 50,000 read * 0.2 + 1,000 out * 10
    const usage = {
      input_tokens: 100_000,
      input_tokens_details: { cached_tokens: 50_000, cache_write_tokens: 40_000 },
      output_tokens: 1_000,
      output_tokens_details: { reasoning_tokens: 500 },
      total_tokens: 101_000,
    };
    const body = { id: 'resp', object: 'response', model: 'gpt-5.6', output: [], usage };
    const answer = { ...openai, model: 'gpt-5.6', endpoint: '/v1/responses', line: openAILine(body) } as const;
    expect(billOf(answer).usd).toBe(0.14);
  });

  it('a long prompt of GPT-5.4 has its own prices, and 2,000 short ones have not', () => {
    const one = { prompt_tokens: 300_000, completion_tokens: 1_000, total_tokens: 301_000 };
    // 300,000 * 2.5 + 1,000 * 11.25
    expect(billOf({ ...openai, model: 'gpt-5.4', line: openAILine(chat(one)) }).usd).toBe(0.76125);
    const short = { prompt_tokens: 150, completion_tokens: 0, total_tokens: 150 };
    // 150 * 1.25
    expect(billOf({ ...openai, model: 'gpt-5.4', line: openAILine(chat(short)) }).usd).toBe(0.000188);
  });

  it('pictures of gpt-image-1.5: image tokens out at half of 32, in at half of 8', () => {
    // 50 text in * 2.5 + 300 image in * 4 + 4,160 out * 16
    const usage = {
      input_tokens: 350,
      input_tokens_details: { text_tokens: 50, image_tokens: 300 },
      output_tokens: 4_160,
      total_tokens: 4_510,
    };
    const body = { created: 1, data: [{ b64_json: 'aGk=' }], usage };
    const answer = { ...openai, model: 'gpt-image-1.5', endpoint: '/v1/images/edits', line: openAILine(body) } as const;
    expect(billOf(answer)).toEqual({ usd: 0.067885, total: 4_510 });
  });

  it('pictures of gpt-image-1.5 that a cache had, and output that is split: single calls', () => {
    // 50 text * 5 + 200 image * 8 + 100 cached image * 2 + 160 text out * 10 + 4,000 image out * 32
    const usage = {
      input_tokens: 350,
      input_tokens_details: {
        text_tokens: 50,
        image_tokens: 300,
        cached_tokens: 100,
        cached_tokens_details: { image_tokens: 100, text_tokens: 0 },
      },
      output_tokens: 4_160,
      output_tokens_details: { image_tokens: 4_000, text_tokens: 160 },
      total_tokens: 4_510,
    };
    const body = { created: 1, data: [{ b64_json: 'aGk=' }], usage };
    const answer = { ...openai, model: 'gpt-image-1.5', endpoint: '/v1/images/edits', line: openAILine(body) } as const;
    expect(billOf(answer, 'single').usd).toBe(0.13165);
    // 50 text * 2.5 + 300 image * 4 + 160 * 5 + 4,000 * 16: without a price for cached ones
    expect(billOf(answer).usd).toBe(0.066125);
  });

  it('spoken input and output of gpt-audio', () => {
    // 100 text in * 1.25 + 900 audio in * 16 + 100 text out * 5 + 400 audio out * 32
    const usage = {
      prompt_tokens: 1_000,
      completion_tokens: 500,
      total_tokens: 1_500,
      prompt_tokens_details: { audio_tokens: 900 },
      completion_tokens_details: { audio_tokens: 400 },
    };
    expect(billOf({ ...openai, model: 'gpt-audio', line: openAILine(chat(usage)) }).usd).toBe(0.027825);
  });

  it('embeddings at half of 0.02, moderations for nothing', () => {
    const list = { object: 'list', data: [], model: 'm', usage: { prompt_tokens: 500_000, total_tokens: 500_000 } };
    const embeddings = { ...openai, model: 'text-embedding-3-small', endpoint: '/v1/embeddings' } as const;
    expect(billOf({ ...embeddings, line: openAILine(list) }).usd).toBe(0.005);
    const moderations = { ...openai, model: 'omni-moderation-latest', endpoint: '/v1/moderations' } as const;
    expect(billOf({ ...moderations, line: openAILine(list) }).usd).toBe(0);
  });
});

describe('the bill of Anthropic', () => {
  const claude = { account: 'anthropic', model: 'claude-sonnet-4-5' } as const;
  const written = (five: number, hour: number) => ({
    input_tokens: 10,
    cache_creation_input_tokens: five + hour,
    cache_read_input_tokens: 0,
    cache_creation: { ephemeral_5m_input_tokens: five, ephemeral_1h_input_tokens: hour },
    output_tokens: 10,
  });

  it('cache writes for five minutes at half of 3.75', () => {
    // 10 * 1.5 + 100,000 * 1.875 + 10 * 7.5
    expect(billOf({ ...claude, line: claudeLine(written(100_000, 0)) })).toEqual({ usd: 0.18759, total: 100_020 });
  });

  it('cache writes for an hour at half of 6', () => {
    // 10 * 1.5 + 100,000 * 3 + 10 * 7.5
    expect(billOf({ ...claude, line: claudeLine(written(0, 100_000)) }).usd).toBe(0.30009);
  });

  it('cache reads at half of 0.3', () => {
    // 1,000 * 1.5 + 99,000 * 0.15 + 500 * 7.5
    const usage = { input_tokens: 1_000, cache_read_input_tokens: 99_000, output_tokens: 500 };
    expect(billOf({ ...claude, line: claudeLine(usage) }).usd).toBe(0.0201);
  });

  it('cache writes of both lifetimes, and thinking within the output', () => {
    // 10 * 1.5 + 20,000 * 1.875 + 30,000 * 3 + 1,000 * 7.5
    const usage = { ...written(20_000, 30_000), output_tokens: 1_000, output_tokens_details: { thinking_tokens: 800 } };
    expect(billOf({ ...claude, line: claudeLine(usage) })).toEqual({ usd: 0.135015, total: 51_010 });
  });

  it('a long prompt: what a cache had and what was written to it count towards 200,000', () => {
    // 10,000 * 3 + 150,000 read * 0.3 + 50,000 written for an hour * 6 + 1,000 * 11.25
    const usage = {
      ...written(0, 50_000),
      input_tokens: 10_000,
      cache_read_input_tokens: 150_000,
      output_tokens: 1_000,
    };
    expect(billOf({ ...claude, line: claudeLine(usage) })).toEqual({ usd: 0.38625, total: 211_000 });
  });

  it('a single call at the full price', () => {
    const usage = { input_tokens: 1_000, output_tokens: 500 };
    expect(billOf({ ...claude, line: claudeLine(usage) }, 'single').usd).toBe(0.0105);
  });
});

describe('the bill of Google', () => {
  const flash = { model: 'gemini-2.5-flash' };
  const cached = {
    promptTokenCount: 100_000,
    cachedContentTokenCount: 90_000,
    candidatesTokenCount: 100,
    totalTokenCount: 100_100,
  };

  it('cached input costs 0.03 in a batch as well', () => {
    // 10,000 * 0.15 + 90,000 * 0.03 + 100 * 1.25
    expect(billOf({ ...flash, account: 'gemini', line: geminiLine(cached) })).toEqual({
      usd: 0.004325,
      total: 100_100,
    });
    const vertexLine = { custom_id: placeholderLineId, status: '', response: geminiResponse(cached) };
    const line = { ...vertexLine, request: { labels: {} } };
    expect(billOf({ ...flash, account: 'vertex', line }).usd).toBe(0.004325);
  });

  it('thoughts as output, spoken input at half of 1', () => {
    // 100 text * 0.15 + 900 audio * 0.5 + (100 + 400) * 1.25
    const usage = {
      promptTokenCount: 1_000,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 100 },
        { modality: 'AUDIO', tokenCount: 900 },
      ],
      candidatesTokenCount: 100,
      thoughtsTokenCount: 400,
      totalTokenCount: 1_500,
    };
    expect(billOf({ ...flash, account: 'gemini', line: geminiLine(usage) })).toEqual({ usd: 0.00109, total: 1_500 });
  });

  it('spoken input that a cache had costs 0.1 in a batch as well, and what a tool brought in is input', () => {
    // (100 + 50 by a tool) text * 0.15 + 500 audio * 0.5 + 400 cached audio * 0.1 + 100 * 1.25
    const usage = {
      promptTokenCount: 1_000,
      toolUsePromptTokenCount: 50,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 100 },
        { modality: 'AUDIO', tokenCount: 900 },
      ],
      cachedContentTokenCount: 400,
      cacheTokensDetails: [{ modality: 'AUDIO', tokenCount: 400 }],
      candidatesTokenCount: 100,
      totalTokenCount: 1_150,
    };
    expect(billOf({ ...flash, account: 'gemini', line: geminiLine(usage) })).toEqual({ usd: 0.000438, total: 1_150 });
  });

  it('a long prompt of gemini-2.5-pro of which a cache had most', () => {
    // 100,000 * 1.25 + 200,000 cached * 0.25 + 1,000 * 7.5
    const usage = {
      promptTokenCount: 300_000,
      cachedContentTokenCount: 200_000,
      candidatesTokenCount: 1_000,
      totalTokenCount: 301_000,
    };
    expect(billOf({ account: 'gemini', model: 'gemini-2.5-pro', line: geminiLine(usage) }).usd).toBe(0.1825);
  });

  it('embeddings of the Gemini API at half of 0.15', () => {
    const response = { embedding: { values: [0.5] }, tokenCount: '1000' };
    const line = { key: placeholderLineId, response };
    const answer = { account: 'gemini', model: 'gemini-embedding-001', endpoint: '/v1/embeddings', line } as const;
    expect(billOf(answer).usd).toBe(0.000075);
  });

  it('Claude on Vertex: reads and writes of its cache as in single calls', () => {
    // 1,000 * 1.5 + 9,000 read * 0.3 + 1,000 written * 3.75 + 2,000 for an hour * 6 + 100 * 7.5
    const usage = {
      input_tokens: 1_000,
      cache_read_input_tokens: 9_000,
      cache_creation_input_tokens: 3_000,
      cache_creation: { ephemeral_5m_input_tokens: 1_000, ephemeral_1h_input_tokens: 2_000 },
      output_tokens: 100,
    };
    const line = { custom_id: placeholderLineId, status: '', request: {}, response: claudeMessage(usage) };
    expect(billOf({ account: 'vertex', model: 'claude-sonnet-4-5', line })).toEqual({ usd: 0.0207, total: 13_100 });
  });

  it('a picture of gemini-2.5-flash-image at half of 30', () => {
    // 100 * 0.15 + 1,290 image out * 15 + 10 text out * 1.25
    const usage = {
      promptTokenCount: 100,
      candidatesTokenCount: 1_300,
      candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1_290 }],
      totalTokenCount: 1_400,
    };
    expect(billOf({ account: 'gemini', model: 'gemini-2.5-flash-image', line: geminiLine(usage) }).usd).toBe(0.019378);
  });

  it('prompts of gemini-2.5-pro above 200,000 tokens at 2.5 and 15', () => {
    // 300,000 * 1.25 + 1,000 * 7.5
    const usage = { promptTokenCount: 300_000, candidatesTokenCount: 1_000, totalTokenCount: 301_000 };
    expect(billOf({ account: 'gemini', model: 'gemini-2.5-pro', line: geminiLine(usage) }).usd).toBe(0.3825);
  });
});

describe('the bill of xAI', () => {
  const usage = {
    prompt_tokens: 10_120,
    completion_tokens: 1_499,
    total_tokens: 14_428,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 2_809 },
  };

  it('reasoning beside the completion, 20 % off of grok-4.3 and nothing off of grok-4', () => {
    // (10,120 * 1.25 + 4,308 * 2.5) * 0.8
    expect(billOf({ account: 'xai', model: 'grok-4.3', line: xaiLine(usage) })).toEqual({
      usd: 0.018736,
      total: 14_428,
    });
    // 10,120 * 3 + 4,308 * 15
    expect(billOf({ account: 'xai', model: 'grok-4', line: xaiLine(usage) }).usd).toBe(0.09498);
    expect(billOf({ account: 'xai', model: 'grok-4.20-0309-reasoning', line: xaiLine(usage) }).usd).toBe(0.018736);
  });

  it('a long prompt of which a cache had some, 20 % off of all of it', () => {
    // (200,000 * 2.5 + 50,000 cached * 0.4 + (1,000 + 500) * 5) * 0.8
    const long = {
      prompt_tokens: 250_000,
      completion_tokens: 1_000,
      total_tokens: 251_500,
      prompt_tokens_details: { cached_tokens: 50_000 },
      completion_tokens_details: { reasoning_tokens: 500 },
    };
    expect(billOf({ account: 'xai', model: 'grok-4.3', line: xaiLine(long) })).toEqual({ usd: 0.422, total: 251_500 });
  });

  it('reasoning within the completion where the total says so', () => {
    const within = {
      prompt_tokens: 1_000,
      completion_tokens: 200,
      total_tokens: 1_200,
      completion_tokens_details: { reasoning_tokens: 150 },
    };
    // (1,000 * 1.25 + 200 * 2.5) * 0.8
    expect(billOf({ account: 'xai', model: 'grok-4.3', line: xaiLine(within) })).toEqual({ usd: 0.0014, total: 1_200 });
  });
});

describe('the bill of the others', () => {
  it('Bedrock: Claude at half of 3.3 and 16.5, writes of its cache at their own 4.125 and for an hour 6.6', () => {
    const model = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
    const usage = {
      input_tokens: 1_000,
      cache_creation_input_tokens: 3_000,
      cache_creation: { ephemeral_5m_input_tokens: 1_000, ephemeral_1h_input_tokens: 2_000 },
      output_tokens: 100,
    };
    const line = { recordId: placeholderLineId, modelOutput: claudeMessage(usage) };
    // 1,000 * 1.65 + 1,000 * 4.125 + 2,000 * 6.6 + 100 * 8.25
    expect(billOf({ account: 'bedrock', model, line })).toEqual({ usd: 0.0198, total: 4_100 });
  });

  it('Bedrock: Nova by Converse, with what was written to its cache', () => {
    const modelOutput = {
      output: { message: { role: 'assistant', content: [{ text: 'Four.' }] } },
      stopReason: 'end_turn',
      usage: { inputTokens: 1_000, outputTokens: 500, totalTokens: 1_500, cacheReadInputTokenCount: 0 },
    };
    // 1,000 * 0.03 + 500 * 0.12
    const answer = {
      account: 'bedrock',
      model: 'us.amazon.nova-lite-v1:0',
      line: { recordId: placeholderLineId, modelOutput },
    } as const;
    expect(billOf(answer).usd).toBe(0.00009);
  });

  it('Bedrock: what a cache of Nova had or got, as in single calls', () => {
    const usage = {
      inputTokens: 1_000,
      outputTokens: 500,
      cacheReadInputTokenCount: 2_000,
      cacheWriteInputTokenCount: 1_000,
    };
    const modelOutput = {
      output: { message: { role: 'assistant', content: [{ text: 'Four.' }] } },
      stopReason: 'end_turn',
      usage,
    };
    const line = { recordId: placeholderLineId, modelOutput };
    // 1,000 * 0.03 + 2,000 read * 0.015 + 1,000 written * 0.06 + 500 * 0.12
    expect(billOf({ account: 'bedrock', model: 'us.amazon.nova-lite-v1:0', line })).toEqual({
      usd: 0.00018,
      total: 4_500,
    });
  });

  it('Bedrock: Llama at half of 0.72', () => {
    const modelOutput = {
      generation: 'Four.',
      prompt_token_count: 1_000,
      generation_token_count: 500,
      stop_reason: 'stop',
    };
    const line = { recordId: placeholderLineId, modelOutput };
    expect(billOf({ account: 'bedrock', model: 'us.meta.llama3-3-70b-instruct-v1:0', line }).usd).toBe(0.00054);
  });

  it('Mistral: cached input is never dearer than other input', () => {
    // 10,000 in * 0.05 + 1,000 out * 0.15: the list has no price for cached ones
    const usage = { prompt_tokens: 10_000, completion_tokens: 1_000, total_tokens: 11_000, num_cached_tokens: 4_000 };
    const response = { status_code: 200, body: chat(usage) };
    const line = { id: 'r', custom_id: placeholderLineId, response, error: null };
    expect(billOf({ account: 'mistral', model: 'mistral-small-latest', line }).usd).toBe(0.00065);
  });

  it('Groq: all batch tokens at the batch rate, whatever the cache', () => {
    // 10,000 in * 0.075 + 1,000 out * 0.3
    const usage = {
      prompt_tokens: 10_000,
      completion_tokens: 1_000,
      total_tokens: 11_000,
      prompt_tokens_details: { cached_tokens: 4_000 },
      completion_tokens_details: { reasoning_tokens: 600 },
    };
    const answer = { account: 'groq', model: 'openai/gpt-oss-120b', line: openAILine(chat(usage)) } as const;
    expect(billOf(answer).usd).toBe(0.00105);
  });

  it('Fireworks: half of 0.15 and 0.6, cached input at its own 0.014', () => {
    // 6,000 * 0.075 + 4,000 cached * 0.014 + 1,000 * 0.3
    const usage = {
      prompt_tokens: 10_000,
      completion_tokens: 1_000,
      total_tokens: 11_000,
      prompt_tokens_details: { cached_tokens: 4_000 },
    };
    const model = 'accounts/fireworks/models/gpt-oss-120b';
    const line = { custom_id: placeholderLineId, response: chat(usage, model) };
    expect(billOf({ account: 'fireworks', model, line })).toEqual({ usd: 0.000806, total: 11_000 });
  });

  it('live endpoints: the price of single calls where the address shows whose, and none elsewhere', () => {
    // 4,000 plain * 0.25 + 6,000 cached * 0.025 + 1,000 out * 2
    const usage = {
      prompt_tokens: 10_000,
      completion_tokens: 1_000,
      total_tokens: 11_000,
      prompt_tokens_details: { cached_tokens: 6_000 },
    };
    const answer = { model: 'gpt-5-mini', line: openAILine(chat(usage)) };
    expect(billOf({ ...answer, account: 'live' }, 'single').usd).toBe(0.00315);
    expect(billOf({ ...answer, account: 'elsewhere' }, 'single').usd).toBeNull();
    // 1,000 * 3 + 1,000 written * 3.75 + 100 * 15
    const written = { input_tokens: 1_000, cache_creation_input_tokens: 1_000, output_tokens: 100 };
    const claude = { account: 'live-claude', model: 'claude-sonnet-4-5', line: claudeLine(written) } as const;
    expect(billOf(claude, 'single').usd).toBe(0.00825);
  });

  it('Mistral: half of 0.1 and 0.3', () => {
    const usage = { prompt_tokens: 10_000, completion_tokens: 1_000, total_tokens: 11_000 };
    const line = {
      id: 'r',
      custom_id: placeholderLineId,
      response: { status_code: 200, body: chat(usage) },
      error: null,
    };
    expect(billOf({ account: 'mistral', model: 'mistral-small-latest', line }).usd).toBe(0.00065);
  });

  it('Groq: half of 0.59 and 0.79', () => {
    const usage = { prompt_tokens: 10_000, completion_tokens: 1_000, total_tokens: 11_000 };
    const answer = { account: 'groq', model: 'llama-3.3-70b-versatile', line: openAILine(chat(usage)) } as const;
    expect(billOf(answer).usd).toBe(0.003345);
  });

  it('Together: nothing off', () => {
    const usage = { prompt_tokens: 10_000, completion_tokens: 1_000, total_tokens: 11_000 };
    const answer = {
      account: 'together',
      model: 'meta-llama/Llama-3.3-70B-Instruct-Turbo',
      line: openAILine(chat(usage)),
    } as const;
    // 0.88 in and out
    expect(billOf(answer).usd).toBe(0.00968);
  });

  it('Azure: a deployment costs what the configuration says it is', () => {
    const usage = { prompt_tokens: 10_000, completion_tokens: 1_000, total_tokens: 11_000 };
    expect(billOf({ account: 'azure', model: 'my-gpt-4o-batch', line: openAILine(chat(usage)) }).usd).toBe(0.0175);
    expect(billOf({ account: 'azure', model: 'another', line: openAILine(chat(usage)) }).usd).toBeNull();
  });

  it('Azure: cached input of a deployment costs in a batch what it does in a single call', () => {
    // 6,000 * 1.25 + 4,000 cached * 1.25 + 1,000 * 5
    const usage = {
      prompt_tokens: 10_000,
      completion_tokens: 1_000,
      total_tokens: 11_000,
      prompt_tokens_details: { cached_tokens: 4_000 },
    };
    expect(billOf({ account: 'azure', model: 'my-gpt-4o-batch', line: openAILine(chat(usage)) }).usd).toBe(0.0175);
  });

  it('Azure: cached input of GPT-5 mini at its own 0.025, the rest at half of 0.25 and 2', () => {
    // 6,000 * 0.125 + 4,000 cached * 0.025 + 1,000 * 1
    const usage = {
      prompt_tokens: 10_000,
      completion_tokens: 1_000,
      total_tokens: 11_000,
      prompt_tokens_details: { cached_tokens: 4_000 },
    };
    const answer = { account: 'azure', model: 'my-gpt-5-mini-batch', line: openAILine(chat(usage)) } as const;
    expect(billOf(answer)).toEqual({ usd: 0.00185, total: 11_000 });
  });

  it('Mistral: cached input of Medium at its own 0.15, the rest at half of 1.5 and 7.5', () => {
    // 6,000 * 0.75 + 4,000 cached * 0.15 + 1,000 * 3.75
    const usage = { prompt_tokens: 10_000, completion_tokens: 1_000, total_tokens: 11_000, num_cached_tokens: 4_000 };
    const response = { status_code: 200, body: chat(usage) };
    const line = { id: 'r', custom_id: placeholderLineId, response, error: null };
    expect(billOf({ account: 'mistral', model: 'mistral-medium-latest', line })).toEqual({
      usd: 0.00885,
      total: 11_000,
    });
  });

  it('Bedrock: what a cache of Claude had at its own 0.33, the rest at half of 3.3 and 16.5', () => {
    // 1,000 * 1.65 + 10,000 read * 0.33 + 100 * 8.25
    const usage = { input_tokens: 1_000, cache_read_input_tokens: 10_000, output_tokens: 100 };
    const line = { recordId: placeholderLineId, modelOutput: claudeMessage(usage) };
    const model = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
    expect(billOf({ account: 'bedrock', model, line })).toEqual({ usd: 0.005775, total: 11_100 });
  });

  it('own prices of every kind of token', () => {
    const everyKind = {
      ...{ input: 1, output: 10, cachedInput: 0.1, cacheWrite: 2, cacheWrite1h: 3 },
      ...{ inputAudio: 4, inputImage: 5, outputAudio: 20, outputImage: 30, batchDiscount: 0 },
    };
    const own = sellerOf('own');
    const seller = { ...own, config: { ...own.config, prices: { all: everyKind } } };
    const usage = usageOf({
      ...{
        input: 21_000,
        cached: 3_000,
        cachedAudio: 1_000,
        cachedImage: 1_000,
        written: 5_000,
        writtenForHour: 2_000,
      },
      ...{
        inputAudio: 5_000,
        inputImage: 4_000,
        output: 6_000,
        reasoning: 1_000,
        outputAudio: 1_000,
        outputImage: 2_000,
      },
    });
    // 6,000 plain, 3,000 cached at 0.1, 3,000 written at 2 and 2,000 at 3, 4,000 audio at 4, 3,000 images at 5;
    // 3,000 text out at 10, 1,000 audio at 20, 2,000 images at 30
    expect(pricerOf(seller, 'all')?.batch(usage)).toBeCloseTo(0.1593, 9);
  });

  it('a server of one’s own costs what the configuration says', () => {
    const usage = {
      prompt_tokens: 10_000,
      completion_tokens: 1_000,
      total_tokens: 11_000,
      prompt_tokens_details: { cached_tokens: 4_000 },
    };
    // (6,000 * 1 + 4,000 * 0.5 + 1,000 * 4) * 0.75
    expect(billOf({ account: 'own', model: 'our-7b', line: openAILine(chat(usage)) }).usd).toBe(0.009);
    // 6,000 * 2.5 + 4,000 * 1.25 + 1,000 * 10: this server saves nothing
    expect(billOf({ account: 'own', model: 'their-4o', line: openAILine(chat(usage)) }).usd).toBe(0.03);
    expect(billOf({ account: 'own', model: 'unnamed', line: openAILine(chat(usage)) }).usd).toBeNull();
  });
});

describe('an estimate', () => {
  interface Asked {
    account: AccountName;
    model: string;
    endpoint?: Endpoint;
    body: Record<string, unknown>;
    assumed?: number;
  }

  function estimateOf({ account, model, endpoint = '/v1/chat/completions', body, assumed }: Asked, bytes = 400) {
    const options = assumed === undefined ? {} : { assume_output_tokens: assumed };
    return new Estimator(sellerOf(account), model, options).estimate({ endpoint, format: 'openai', body }, bytes);
  }

  it('of 6,000 short requests has the price of short ones', () => {
    const estimates = new EstimateByModel();
    const asked = { account: 'anthropic', model: 'claude-sonnet-4-5', body: { max_tokens: 100 } } as const;
    for (let line = 0; line < 6_000; line += 1)
      estimates.of(asked.account, asked.model).add(estimateOf(asked, 241 * 4));
    // 6,000 * (241 * 1.5 + 100 * 7.5)
    expect(estimates.list()[0]?.batchUsd).toBeCloseTo(6.669, 6);
    expect(estimates.isOutputBound).toBe(true);
  });

  it('counts the limit that is sent, not a member that is left out', () => {
    const claude = { account: 'anthropic', model: 'claude-sonnet-4-5' } as const;
    expect(estimateOf({ ...claude, body: { max_tokens: 64_000, max_output_tokens: 1 } }).output).toBe(64_000);
    expect(estimateOf({ ...claude, body: {} })).toMatchObject({ output: 32_000, assumptions: [] });
    const both = { max_tokens: 500, max_completion_tokens: 1 };
    expect(estimateOf({ account: 'own', model: 'our-7b', body: both }).output).toBe(500);
    const llama = { account: 'bedrock', model: 'us.meta.llama3-3-70b-instruct-v1:0', body: {} } as const;
    expect(estimateOf(llama).output).toBe(2_048);
  });

  it('counts the most that the model writes where no limit is there, or what the option says', () => {
    const mini = { account: 'openai', model: 'gpt-5-mini', body: {} } as const;
    expect(estimateOf(mini)).toMatchObject({ output: 128_000, assumptions: ['modelMaximum'] });
    expect(estimateOf({ ...mini, assumed: 700 })).toMatchObject({ output: 700, assumptions: ['assumedByOption'] });
    expect(estimateOf({ account: 'own', model: 'our-7b', body: {} }).assumptions).toEqual(['unbounded']);
  });

  it('counts every answer of every prompt', () => {
    const body = { prompt: Array.from({ length: 20 }, () => 'a'), best_of: 20, max_tokens: 10 };
    const asked = { account: 'openai', model: 'gpt-3.5-turbo-instruct', endpoint: '/v1/completions', body } as const;
    expect(estimateOf(asked).output).toBe(4_000);
    expect(
      estimateOf({ account: 'openai', model: 'gpt-5-mini', body: { n: 3, max_completion_tokens: 10 } }).output,
    ).toBe(30);
  });

  it('counts pictures that are drawn by quality and size, and has no price for what is sold otherwise', () => {
    const body = { n: 2, quality: 'high', size: '1024x1536' };
    const drawn = { account: 'openai', model: 'gpt-image-1.5', endpoint: '/v1/images/generations', body } as const;
    // 100 in * 2.5 + 12,480 * 16
    expect(estimateOf(drawn)).toMatchObject({ output: 12_480, batchUsd: expect.closeTo(0.19993, 6) });
    expect(estimateOf({ ...drawn, model: 'dall-e-3' }).batchUsd).toBeNull();
    expect(estimateOf({ ...drawn, endpoint: '/v1/videos', model: 'sora-2' }).batchUsd).toBeNull();
  });

  it.each([
    ['gpt-5.4', 1_024, 1_024, 'high', 1_229],
    ['gpt-5.4', 2_048, 2_048, 'high', 3_000],
    ['gpt-5.6-sol', 4_096, 4_096, undefined, 19_661],
    ['gpt-5.6-sol', 4_096, 4_096, 'low', 308],
    ['gpt-5.5', 6_000, 6_000, 'auto', 12_000],
    ['gpt-5-nano', 1_024, 1_024, undefined, 1_536],
    ['gpt-4.1-mini', 4_096, 4_096, undefined, 6_636],
    ['o4-mini', 1_024, 1_024, undefined, 1_762],
    ['gpt-4o', 2_048, 4_096, 'high', 1_105],
    ['gpt-5.1', 1_024, 1_024, undefined, 630],
    ['gpt-4o-mini', 1_024, 1_024, 'low', 2_833],
  ])('counts what %s is shown, %i by %i at detail %s, as %i tokens', (model, width, height, detail, tokens) => {
    expect(openAIPictures(model, { size: { width, height }, detail })).toBe(tokens);
  });

  it('counts what Claude and Gemini are shown by their pages’ examples, and the most of what has no size', () => {
    expect(claudePictures('claude-sonnet-5', { size: { width: 1_000, height: 1_000 }, detail: null })).toBe(1_296);
    expect(geminiPictures('gemini-2.5-flash', { size: { width: 960, height: 540 }, detail: null })).toBe(1_548);
    expect(openAIPictures('gpt-5.6-sol', { size: null, detail: null })).toBe(36_000);
  });

  it('counts a picture by its pixels, and not by its base64', () => {
    const png = Buffer.alloc(700_000);
    png.write('\x89PNG\r\n\x1a\n', 'latin1');
    png.writeUInt32BE(1_024, 16);
    png.writeUInt32BE(1_024, 20);
    const url = `data:image/png;base64,${png.toString('base64')}`;
    const shown = (image: string) => ({
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: image } }] }],
    });
    const gpt4o = { account: 'openai', model: 'gpt-4o' } as const;
    // four tiles: 85 + 4 * 170, and 100 of text
    expect(estimateOf({ ...gpt4o, body: shown(url) }, 400 + url.length - 22).input).toBe(865);
    // its size unknown, eight tiles
    expect(estimateOf({ ...gpt4o, body: shown('https://example.com/a.png') }).input).toBe(1_545);
  });
});
