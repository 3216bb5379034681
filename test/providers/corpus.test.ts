import { describe, expect, it } from 'vitest';
import { providerOf } from '../../lib/providers/registry.ts';
import { isObject } from '../../lib/records/json.ts';
import { answerOutcome, answerSources, outcomeOf, written } from './support/corpus.ts';
import { lineId } from './support/lines.ts';
import { allAnswerShapes } from './support/published-answers.ts';
import { allRequestShapes } from './support/published-shapes.ts';
import { membersOf, type PublishedType, publishedType } from './support/published-types.ts';
import { targets } from './support/translation-targets.ts';

/** Every member, every kind of part and every word that the official SDKs' types declare, each in a request or an answer of its own. */

/** Said in a request, and no different where it is not said. */
const saysNothing: Record<string, RegExp> = {
  'chat completions': new RegExp(
    [
      'function_call="(none|auto)"',
      'logprobs=false',
      'modalities\\[\\]="text"',
      'prompt_cache_options={}',
      'reasoning_effort="none"',
      'response_format={"type":"text"}',
      'service_tier="(auto|default)"',
      'store=false',
      'tool_choice="none"', // Nova gets no tools then, as without it where there are none
      'tools\\[\\]\\.function\\.strict=false',
      'messages\\[\\]\\.content\\[\\]\\.input_audio\\.format="mp3"', // Mistral looks at the data
      'response_format\\.json_schema\\.strict=.*', // Anthropic holds to what it can, and a warning says what it cannot
    ]
      .map((each) => `^${each}$`)
      .join('|'),
  ),
  Responses: new RegExp(
    [
      'background=false',
      'input\\[\\]\\.(type="message"|status=".*"|id="item0"|caller={"type":"direct"})',
      'input\\[\\]\\.content\\[\\]\\.(annotations|logprobs)=\\[\\]',
      // An item of reasoning is left out as a whole, with a warning that calls it so.
      'input\\[\\]\\.(encrypted_content=.*|content\\[\\]={"text":"mark\\d+x","type":"reasoning_text"})',
      'prompt_cache_options={}',
      'reasoning={}',
      'reasoning\\.effort="none"',
      'service_tier="(auto|default)"',
      'store=false',
      'text={}',
      'text\\.format={"type":"text"}',
      'text\\.format\\.strict=.*',
      'tool_choice="none"',
      'tools\\[\\]\\.strict=false',
      'truncation="disabled"',
    ]
      .map((each) => `^${each}$`)
      .join('|'),
  ),
  Messages: new RegExp(
    [
      'messages\\[\\]\\.content\\[\\]\\.(caller={"type":"direct"}|is_error=false)',
      'messages\\[\\]\\.content\\[\\]\\.title=.*', // Google takes no name of a file
      'metadata={}',
      'output_config={}',
      'service_tier="auto"',
      'speed="standard"',
      'thinking={"type":"(disabled|adaptive)"}',
      'tool_choice={"type":"none"}',
      'tool_choice\\.disable_parallel_tool_use=false',
      'tools\\[\\]\\.(eager_input_streaming=.*|strict=false|type="custom")',
    ]
      .map((each) => `^${each}$`)
      .join('|'),
  ),
};

describe.each(allRequestShapes)('the requests that $name can be', (form) => {
  const { lines, refused } = written(form);

  it('are all sampled, and are lines', () => {
    expect([...form.unread]).toEqual([]);
    expect(refused).toEqual([]);
  });

  it.each(targets)('are rendered, or refused by the parameter that says why, at $name', (target) => {
    const wrong = lines.flatMap((line) => {
      const { path, part } = line.shape;
      const outcome = outcomeOf(line, target);
      const said = `${path}=${JSON.stringify(part)}`;
      return typeof outcome === 'string' || saysNothing[form.name]?.test(said) ? [] : [`${said}: ${outcome.wrong}`];
    });
    expect(wrong).toEqual([]);
  });
});

/** What of an answer a customer gets in another place, or not. */
const unsaid: Record<keyof typeof allAnswerShapes, RegExp> = {
  // One choice has the first place; totals are sums; counts without a price of their own are within the others.
  ChatCompletion:
    /^choices\[\]\.index$|^created$|^usage\.(prompt_tokens|total_tokens|\w+_details\.(accepted_prediction|rejected_prediction|text|audio|image)_tokens)$/,
  Message: /^usage\.(input_tokens|cache_creation\.ephemeral_5m_input_tokens)$/,
  GenerateContentResponse:
    /^candidates\[\]\.(index|tokenCount)$|^usageMetadata\.(\w+Details\[\]\.tokenCount|(prompt|toolUsePrompt|candidates|thoughts|cachedContent|total|initialPrompt)\w*TokenCount|totalTokenCount)$/,
  // How long it took is no answer.
  ConverseResponse: /^metrics\.latencyMs$|^usage\.(inputTokens|totalTokens|cacheDetails\[\]\.inputTokens)$/,
  AssistantMessage: /^tool_calls\[\]\.index$/,
};

describe.each(answerSources)('the answers of $name', (source) => {
  const { shapes, unread } = allAnswerShapes[source.type];

  it.each(['/v1/chat/completions', '/v1/responses', '/v1/messages'] as const)('come back whole to %s', (endpoint) => {
    expect([...unread]).toEqual([]);
    const wrong = shapes.flatMap((shape) => {
      const outcome = answerOutcome(shape, source, endpoint);
      if ('lost' in outcome) return outcome.lost.filter((path) => !unsaid[source.type].test(path));
      return 'wrong' in outcome ? [`${shape.path}: ${outcome.wrong}`] : [];
    });
    expect([...new Set(wrong)]).toEqual(source.type === 'ConverseResponse' ? [expect.stringMatching(/^output: /)] : []);
  });
});

it('the corpus has at least 300 requests and 300 answers', () => {
  const requests = allRequestShapes.reduce((sum, { shapes }) => sum + shapes.length, 0);
  const answers = Object.values(allAnswerShapes).reduce((sum, { shapes }) => sum + shapes.length, 0);
  expect(requests).toBeGreaterThan(300);
  expect(answers).toBeGreaterThan(300);
});

const aws = ['@aws-sdk/client-bedrock-runtime', 'dist-types/models/models_0.d.ts'] as const;

/** What a target's own request can say, to the second level, and we never say, whatever was asked for. */
describe('what no request of ours says', () => {
  it.each([
    {
      target: 'Gemini',
      never: [
        'contents[].parts[].audioTranscription',
        'contents[].parts[].codeExecutionResult',
        'contents[].parts[].executableCode',
        'contents[].parts[].mediaProcessing',
        'contents[].parts[].mediaResolution',
        'contents[].parts[].partMetadata',
        'contents[].parts[].speechMetadata',
        'contents[].parts[].thought',
        'contents[].parts[].toolCall',
        'contents[].parts[].toolResponse',
        'contents[].parts[].videoMetadata',
        'generationConfig.audioTimestamp',
        'generationConfig.audioTranscriptionConfig',
        'generationConfig.enableAffectiveDialog',
        'generationConfig.enableEnhancedCivicAnswers',
        'generationConfig.frequencyPenalty',
        'generationConfig.mediaResolution',
        'generationConfig.modelSelectionConfig',
        'generationConfig.presencePenalty',
        'generationConfig.responseFormat',
        'generationConfig.responseModalities',
        'generationConfig.responseSchema',
        'generationConfig.routingConfig',
        'generationConfig.speechConfig',
        'generationConfig.topK',
        'generationConfig.translationConfig',
      ],
      kind: 'gemini',
      model: 'gemini-3-pro',
      inside: 'request',
      types: {
        generationConfig: publishedType('@google/genai', 'dist/genai.d.ts', 'GenerationConfig'),
        'contents[].parts[]': publishedType('@google/genai', 'dist/genai.d.ts', 'Part'),
      },
    },
    {
      target: 'Converse',
      never: [
        'additionalModelRequestFields',
        'additionalModelResponseFieldPaths',
        'guardrailConfig',
        'messages[].content[].audio',
        'messages[].content[].cachePoint',
        'messages[].content[].citationsContent',
        'messages[].content[].guardContent',
        'messages[].content[].reasoningContent',
        'messages[].content[].searchResult',
        'messages[].content[].toolAddition',
        'messages[].content[].toolRemoval',
        'messages[].content[].toolResult',
        'messages[].content[].toolUse',
        'messages[].content[].video',
        'modelId',
        'performanceConfig',
        'promptVariables',
        'requestMetadata',
        'serviceTier',
        'toolConfig',
      ],
      kind: 'bedrock',
      model: 'qwen.qwen3-32b-v1:0',
      inside: 'modelInput',
      types: {
        '': publishedType(...aws, 'ConverseRequest'),
        'messages[].content[]': publishedType(...aws, 'ContentBlock'),
      },
    },
    {
      target: 'Messages',
      never: [
        'cache_control',
        'container',
        'diagnostics',
        'inference_geo',
        'service_tier',
        'speed',
        'stream',
        'user_profile_id',
        'workspace_id',
      ],
      kind: 'anthropic',
      model: 'claude-opus-4-6',
      inside: 'params',
      types: {
        '': publishedType('@anthropic-ai/sdk', 'resources/messages/messages.d.ts', 'MessageCreateParamsNonStreaming'),
      },
    },
  ] as const)('to $target', ({ kind, model, inside, types, never }) => {
    const said = new Set<string>();
    for (const form of allRequestShapes)
      for (const { line } of written(form).lines) {
        const translated = providerOf({ kind }).translateRequest(line, { lineId, model });
        if (translated.ok && !(form.name === 'Messages' && kind === 'anthropic'))
          notePaths(JSON.parse(translated.bytes.toString())[inside], '', said);
      }
    const unsaidPlaces = Object.entries(types).flatMap(([path, type]) =>
      namesIn(type)
        .map((name) => (path === '' ? name : `${path}.${name}`))
        .filter((place) => !said.has(place)),
    );
    expect(unsaidPlaces.toSorted()).toEqual(never);
  });
});

function notePaths(value: unknown, path: string, into: Set<string>): void {
  into.add(path);
  if (Array.isArray(value)) for (const item of value) notePaths(item, `${path}[]`, into);
  if (isObject(value))
    for (const [name, member] of Object.entries(value)) notePaths(member, path === '' ? name : `${path}.${name}`, into);
}

/** Names of an object's members, and of each of a union's. */
function namesIn(type: PublishedType): string[] {
  const types = type.kind === 'union' ? type.of.map((each) => each()) : [type];
  const names = types.flatMap((each) => membersOf(each).filter((member) => member.type().kind !== 'absent'));
  return [...new Set(names.map(({ name }) => name))];
}
