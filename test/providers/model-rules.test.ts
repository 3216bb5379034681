import { describe, expect, it } from 'vitest';
import type { RuleMode } from '../../lib/providers/account.ts';
import type { ProviderKind } from '../../lib/providers/config.ts';
import { chatModelOf } from '../../lib/providers/openai-family/chat-models.ts';
import { providerOf, providers } from '../../lib/providers/registry.ts';
import { lineId, lineOf, openAILine } from './support/lines.ts';

const asked = { role: 'user', content: 'Name one river.' };
const tool = { type: 'function', function: { name: 'save', parameters: { type: 'object', properties: {} } } };
const schema = { type: 'object', properties: {}, additionalProperties: false };

const forced = { tools: [tool], tool_choice: 'required' };
const named = { tools: [tool], tool_choice: { type: 'function', function: { name: 'save' } } };
const endsWithAssistant = { messages: [asked, { role: 'assistant', content: 'The' }] };
const laterSystem = {
  messages: [{ role: 'system', content: 'Be brief.' }, asked, { role: 'system', content: 'German.' }],
};
const format = { response_format: { type: 'json_schema', json_schema: { name: 'a', schema } } };

interface Sent {
  /** What became of it: `ok`, or the refused parameter. */
  end: string;
  warnings: string[];
  messages: string[];
  text: string;
}

function send(kind: ProviderKind, model: string, body: object, modelRules?: RuleMode): Sent {
  const line = lineOf(openAILine('mine', { model, max_tokens: 100, messages: [asked], ...body }));
  return sentOf(providerOf({ kind }).translateRequest(line, { lineId, model, modelRules }));
}

function sendMessage(kind: ProviderKind, model: string, params: object, modelRules?: RuleMode): Sent {
  const whole = { model, max_tokens: 100, messages: [asked], ...params };
  const line = lineOf(JSON.stringify({ custom_id: 'mine', params: whole }));
  return sentOf(providerOf({ kind }).translateRequest(line, { lineId, model, modelRules }));
}

function sentOf(translated: ReturnType<ReturnType<typeof providerOf>['translateRequest']>): Sent {
  if (!translated.ok)
    return { end: String(translated.error.param), warnings: [], messages: [translated.error.message], text: '' };
  const { warnings, bytes } = translated;
  return {
    end: 'ok',
    warnings: warnings.map(({ code, param }) => `${code} ${param}`),
    messages: warnings.map(({ message }) => message),
    text: bytes.toString(),
  };
}

it('leaves a model alone whose name fits a row of models that think, and that does not', () => {
  for (const model of ['grok-4-fast-non-reasoning', 'gpt-5-chat-latest', 'gpt-5.1-chat-latest', 'gpt-5-search-api'])
    expect([model, chatModelOf(model)]).toEqual([model, null]);
  for (const model of ['grok-4', 'gpt-5', 'gpt-5-mini', 'gpt-5.1']) expect(chatModelOf(model)).not.toBeNull();
});

it('sends a model of pictures that no row has as it is asked, with a warning', () => {
  const sent = send('gemini', 'gemini-3.1-flash-image', { modalities: ['text', 'image'] });
  expect(sent).toMatchObject({ end: 'ok', warnings: ['model_rule body.modalities'] });
});

describe('a row of the table of models', () => {
  it.each([
    ['anthropic', 'claude-sonnet-5-5', forced, 'body.tool_choice'],
    ['anthropic', 'claude-sonnet-5-5', named, 'body.tool_choice'],
    ['anthropic', 'claude-opus-5-5', forced, 'body.tool_choice'],
    ['anthropic', 'claude-fable-5-1', forced, 'body.tool_choice'],
    ['bedrock', 'us.anthropic.claude-opus-5-5-v1:0', forced, 'body.tool_choice'],
    ['vertex', 'claude-opus-5-5@20261001', forced, 'body.tool_choice'],
    ['anthropic', 'claude-opus-4-6', endsWithAssistant, 'body.messages[1]'],
    ['anthropic', 'claude-haiku-5-5', endsWithAssistant, 'body.messages[1]'],
    ['anthropic', 'claude-3-5-haiku-latest', format, 'body.response_format'],
    ['anthropic', 'claude-sonnet-4-20250514', format, 'body.response_format'],
    ['anthropic', 'claude-opus-5-5', { thinking: { type: 'disabled' } }, 'body.thinking'],
    ['anthropic', 'claude-sonnet-5', { thinking: { type: 'enabled', budget_tokens: 2048 } }, 'body.thinking'],
    ['gemini', 'gemini-2.5-flash-preview-tts', {}, 'body.model'],
    ['gemini', 'gemini-2.5-flash', { modalities: ['text', 'image'] }, 'body.modalities'],
  ] as const)(
    'of %s refuses for %s what it does not take, and says where that stands: %j',
    (kind, model, body, param) => {
      const sent = send(kind, model, body);

      expect(sent.end).toBe(param);
      if (param !== 'body.modalities') expect(sent.messages.join()).toMatch(/Source: .*, read 2026-\d\d/);
      expect(send(kind, model, body, 'off').messages.join()).not.toContain('Source');
    },
  );

  it.each([
    ['claude-haiku-5-5', forced],
    ['claude-opus-5', forced],
    ['claude-sonnet-4-5', forced],
    ['claude-sonnet-4-5', format],
    ['claude-opus-4-5', format],
  ])('refuses nothing that %s takes: %j', (model, body) => {
    expect(send('anthropic', model, body)).toMatchObject({ end: 'ok', warnings: [] });
  });

  it.each([
    ['claude-sonnet-4-5', {}, []],
    ['claude-opus-4-6', { effort: 'low' }, ['parameter_changed body.reasoning_effort']],
    ['claude-opus-4-8', { effort: 'low' }, ['parameter_changed body.reasoning_effort']],
    ['claude-sonnet-5', { thinking: 'disabled' }, []],
    ['claude-opus-5', { thinking: 'disabled' }, []],
    ['claude-haiku-5-5', { thinking: 'disabled' }, []],
    ['claude-sonnet-5-5', { thinking: 'between_tools' }, []],
    ['claude-opus-5-5', { effort: 'low' }, ['parameter_changed body.reasoning_effort']],
    ['claude-fable-5-1', { effort: 'low' }, ['parameter_changed body.reasoning_effort']],
  ])('tells %s not to think', (model, told, warnings) => {
    const sent = send('anthropic', model, { reasoning_effort: 'none' });

    const { params } = JSON.parse(sent.text);
    expect({ effort: params.output_config?.effort, thinking: params.thinking?.type }).toEqual(told);
    expect(sent.warnings).toEqual(warnings);
  });

  it.each(['claude-opus-4-8', 'claude-opus-5', 'claude-fable-5-1'])(
    'keeps later system messages of %s in place',
    (model) => {
      const sent = send('anthropic', model, laterSystem);

      expect(sent.warnings).toEqual([]);
      expect(JSON.parse(sent.text).params).toMatchObject({
        system: 'Be brief.',
        messages: [asked, { role: 'system', content: 'German.' }],
      });
    },
  );

  it.each(['claude-opus-4-5', 'claude-sonnet-5'])('moves later system messages of %s, with a warning', (model) => {
    expect(send('anthropic', model, laterSystem).warnings).toEqual(['parameter_changed body.messages[2]']);
  });

  it('says where a conversation is gone on with', () => {
    const changed = ['parameter_changed body.messages[1]'];
    expect(send('anthropic', 'claude-sonnet-4-5', endsWithAssistant)).toMatchObject({ end: 'ok', warnings: changed });
    expect(send('gemini', 'gemini-2.5-flash', endsWithAssistant)).toMatchObject({ end: 'ok', warnings: changed });
  });

  it('leaves penalties out for models of Gemini that refuse them', () => {
    for (const model of ['gemini-2.5-flash', 'gemini-3-flash-preview'])
      for (const name of ['presence_penalty', 'frequency_penalty']) {
        const sent = send('gemini', model, { [name]: 0.5 });
        expect(sent.warnings).toEqual([`parameter_dropped body.${name}`]);
        expect(sent.text).not.toContain('Penalty');
        expect(send('gemini', model, { [name]: 0 }).warnings).toEqual([]);
      }
    expect(send('gemini', 'gemini-2.0-flash-001', { presence_penalty: 0.5 }).text).toContain('"presencePenalty":0.5');
  });

  it('asks a model for pictures, where the line does', () => {
    const sent = send('gemini', 'gemini-2.5-flash-image', { modalities: ['text', 'image'] });
    expect(sent.text).toContain('"responseModalities":["TEXT","IMAGE"]');
  });

  it('has Sonnet 5 on Bedrock think no more where a tool is forced', () => {
    expect(send('bedrock', 'us.anthropic.claude-sonnet-5-v1:0', forced).text).toContain(
      '"thinking":{"type":"disabled"}',
    );
    expect(send('anthropic', 'claude-sonnet-5', forced).text).not.toContain('thinking');
  });
});

describe('a rule from memory', () => {
  const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } };
  const byUrl = { messages: [{ role: 'user', content: [image] }] };

  it.each([
    ['anthropic', 'claude-fable-5-2', forced, 'body.tool_choice'],
    ['gemini', 'gemini-2.0-flash', byUrl, 'body.messages[0].content[0].image_url.url'],
  ] as const)('of %s warns of what %s does not take, and says so', (kind, model, body, param) => {
    const sent = send(kind, model, body);
    expect(sent).toMatchObject({ end: 'ok', warnings: [`model_rule ${param}`] });
    expect(sent.messages[0]).toContain('This is from memory');
  });

  it('leaves a parameter out as well, and says so', () => {
    expect(send('anthropic', 'claude-fable-5', { temperature: 0.5 }).messages).toEqual([
      "'body.temperature' was left out: 'claude-fable-5' takes no sampling parameters, from memory.",
    ]);
  });
});

describe('the rows of docs', () => {
  const described = [...Object.values(providers)].flatMap(({ kind, modelTable = [] }) =>
    modelTable.map((row) => ({ kind, ...row })),
  );

  it('name a source and a month for each rule, or say that it is from memory', () => {
    const sources = described.flatMap(({ says }) => says.flatMap(({ source }) => source ?? []));
    expect(sources.length).toBeGreaterThan(60);
    for (const { source, read } of sources)
      expect(`${source}, ${read}`).toMatch(/^(https:\/\/\S+|openai .*), 2026-\d\d$/);
    expect(described.flatMap(({ says }) => says).filter(({ source }) => source === null).length).toBeLessThan(15);
  });

  const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } };
  const asks: Record<string, object> = {
    'no images by URL': { messages: [{ role: 'user', content: [image] }] },
    'no images': { messages: [{ role: 'user', content: [image] }] },
    'no tools': { tools: [tool] },
    'no schemas': format,
    'no stop': { stop: ['END'] },
    'no documents': { messages: [{ role: 'user', content: [{ type: 'file', file: { file_data: 'JVBERi0' } }] }] },
  };
  const names: Record<string, string> = { 'amazon.nova-*': 'us.amazon.nova-lite-v1:0', '*': 'qwen.qwen3-32b-v1:0' };
  const ofBedrock = described.filter(({ kind }) => kind === 'bedrock');

  it.each(ofBedrock)('say of $models on Bedrock what becomes of a request', ({ models: [pattern = ''], says }) => {
    const model = names[pattern] ?? pattern.replace('*', '-1');
    for (const rule of says) {
      const body = asks[rule.says];
      if (body === undefined) continue;
      const { end, warnings } = send('bedrock', model, body);
      expect({ rule: rule.says, isTaken: end === 'ok' && warnings.length === 0 }).toEqual({
        rule: rule.says,
        isTaken: false,
      });
    }
  });
});

it('shows Claude no images by URL where a cloud runs it', () => {
  const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } };
  const shown = { messages: [{ role: 'user', content: [image] }] };
  const end = 'body.messages[].content[].image_url.url';

  expect(send('vertex', 'claude-opus-4-6', shown).end).toBe(end);
  expect(send('bedrock', 'us.anthropic.claude-opus-4-6-v1:0', shown).end).toBe(end);
  expect(send('anthropic', 'claude-opus-4-6', shown)).toMatchObject({ end: 'ok', warnings: [] });
});

describe('model_rules', () => {
  it('only warn, where they are to', () => {
    const sent = send('anthropic', 'claude-opus-5-5', forced, 'warn');
    expect(sent).toMatchObject({ end: 'ok', warnings: ['model_rule body.tool_choice'] });
    expect(sent.text).toContain('"tool_choice":{"type":"any"}');
  });

  it('say nothing, where they are off', () => {
    const sent = send('anthropic', 'claude-opus-5-5', { ...forced, temperature: 0.5 }, 'off');
    expect(sent).toMatchObject({ end: 'ok', warnings: [] });
    expect(sent.text).toContain('"temperature":0.5');
  });

  it('hold no model that is in no row: it gets what is written, and the warning names the nearest row', () => {
    const sent = send('anthropic', 'claude-opus-6', { ...forced, temperature: 0.5 });
    expect(sent.end).toBe('ok');
    expect(sent.warnings).toEqual(['model_rule body.tool_choice', 'model_rule body.temperature']);
    expect(sent.messages[0]).toContain("the nearest, 'claude-opus-5-5'");
    expect(send('gemini', 'gemini-4-flash', { presence_penalty: 0.5 }).messages[0]).toContain("'gemini-3-flash'");
  });
});

describe('"thinking: disabled" in a Message', () => {
  const disabled = { thinking: { type: 'disabled' } };

  it.each([
    ['openai', 'gpt-4o-mini', []],
    ['openai', 'gpt-4.1', []],
    ['groq', 'llama-3.3-70b-versatile', []],
    ['openai', 'o3', ['parameter_dropped params.thinking']],
    ['xai', 'grok-4', ['parameter_dropped params.thinking']],
  ] as const)('is no parameter for %s’s %s', (kind, model, warnings) => {
    const sent = sendMessage(kind, model, disabled);
    expect(sent.text).not.toContain('reasoning_effort');
    expect(sent.warnings).toEqual(warnings);
  });

  it('is an effort where the model has it', () => {
    expect(sendMessage('openai', 'gpt-5.4-mini', disabled).text).toContain('"reasoning_effort":"none"');
    expect(sendMessage('gemini', 'gemini-2.5-flash', disabled).text).toContain('"thinkingBudget":0');
  });

  it('goes to no model that answers a parameter with an error', () => {
    const sent = sendMessage('xai', 'grok-4', { stop_sequences: ['END'] });
    expect(sent.end).toBe('params.stop_sequences');
    expect(sent.messages[0]).toContain("'grok-4' does not take it");
  });

  it('goes with a warning where rules only warn, and with none where they are off', () => {
    const params = { stop_sequences: ['END'] };
    const warned = sendMessage('xai', 'grok-4', params, 'warn');
    expect(warned).toMatchObject({ end: 'ok', warnings: ['model_rule params.stop_sequences'] });
    expect(warned.text).toContain('"stop":["END"]');
    expect(sendMessage('xai', 'grok-4', params, 'off')).toMatchObject({ end: 'ok', warnings: [] });

    const thinking = sendMessage('openai', 'o3', disabled, 'warn');
    expect(thinking.warnings).toEqual(['model_rule params.thinking']);
    expect(thinking.text).toContain('"reasoning_effort":"none"');
    expect(sendMessage('openai', 'o3', disabled, 'off').warnings).toEqual([]);
  });
});
