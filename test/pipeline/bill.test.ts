import { describe, expect, it } from 'vitest';
import { EstimateByModel, Estimator } from '../../lib/pipeline/estimate.ts';
import { pricerOf } from '../../lib/pipeline/price.ts';
import { parseConfig } from '../../lib/providers/config.ts';
import { providerOf } from '../../lib/providers/registry.ts';
import type { Endpoint } from '../../lib/records/endpoints.ts';
import { placeholderLineId } from '../../lib/records/ids.ts';

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
      azure: {
        kind: 'azure',
        secret: 's',
        baseUrl: 'https://r.openai.azure.com/openai/v1',
        prices: { 'my-gpt-4o-batch': 'gpt-4o' },
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
    const pricer = pricerOf(sellerOf('openai'), 'omni-moderation-latest');
    expect(pricer).not.toBeNull();
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
