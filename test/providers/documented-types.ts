import type { BatchProviderKind } from '../../lib/providers/config.ts';
import type { JsonObject } from '../../lib/records/json.ts';

/** Names the documented type of a value, from test/fixtures/documented-requests.ts; null where there is none. */
type TypeOf = (value: JsonObject) => string | null;

export interface DocumentedTypes {
  /** Of a body that is JSON. */
  body: TypeOf;
  /** Of a line of a file. */
  line: TypeOf;
}

/** What the bodies and lines are of that go to a kind. */
export const documentedTypes: Record<BatchProviderKind | 'live', DocumentedTypes> = {
  openai: openAITypes('OpenAICreation'),
  azure: openAITypes('OpenAICreation'),
  groq: openAITypes('GroqCreation'),
  together: openAITypes('TogetherCreation'),
  xai: openAITypes('XaiCreation'),
  'openai-compatible': openAITypes('CompatibleCreation'),
  anthropic: {
    body: (body) => ('requests' in body ? 'AnthropicCreation' : 'AnthropicMessage'),
    line: () => null,
  },
  gemini: {
    body: (body) => {
      if (isWith(body, 'contents')) return 'GenerateContent';
      if (isWith(body, 'content')) return 'GeminiEmbedding';
      return isWith(body, 'batch') ? 'GeminiCreation' : null;
    },
    line: ({ request }) => (isWith(request, 'content') ? 'GeminiEmbeddingLine' : 'GeminiLine'),
  },
  vertex: {
    body: (body) => {
      if (isWith(body, 'contents')) return 'GenerateContent';
      if (isWith(body, 'anthropic_version')) return 'VertexClaude';
      return isWith(body, 'inputConfig') ? 'VertexCreation' : null;
    },
    line: ({ request }) => (isWith(request, 'anthropic_version') ? 'VertexClaudeLine' : 'VertexGeminiLine'),
  },
  mistral: {
    body: (body) => {
      if (isWith(body, 'messages')) return 'MistralCall';
      if (isWith(body, 'input_files')) return 'MistralCreation';
      return isWith(body, 'output_dimension') ? 'MistralEmbeddingCall' : 'MistralModerationCall';
    },
    line: ({ body }) => {
      if (isWith(body, 'messages')) return 'MistralLine';
      return isWith(body, 'output_dimension') ? 'MistralEmbeddingLine' : 'MistralModerationLine';
    },
  },
  fireworks: {
    body: (body) => {
      if ('messages' in body) return 'FireworksCall';
      return 'datasetId' in body ? 'FireworksDataset' : 'FireworksCreation';
    },
    line: () => 'FireworksLine',
  },
  bedrock: {
    body: (body) => ('jobName' in body ? 'BedrockCreation' : bedrockBody(body)),
    line: ({ modelInput }) => `BedrockLine<documented.${bedrockBody(modelInput)}>`,
  },
  live: {
    body: (body) => {
      if (isWith(body, 'max_tokens')) return 'AnthropicMessage';
      if (isWith(body, 'messages')) return 'OpenAIChat';
      return isWith(body, 'instructions') ? 'OpenAIResponse' : 'OpenAIEmbedding';
    },
    line: () => null,
  },
};

/** By what each family's body has alone. */
function bedrockBody(body: unknown): string {
  if (isWith(body, 'anthropic_version')) return 'BedrockClaude';
  if (isWith(body, 'schemaVersion')) return 'BedrockNova';
  if (isWith(body, 'inputText')) return 'BedrockTitan';
  if (!isWith(body, 'prompt')) return isWith(body, 'inferenceConfig') ? 'BedrockConverse' : 'BedrockMistralChat';
  return isWith(body, 'max_gen_len') ? 'BedrockLlama' : 'BedrockMistralPrompt';
}

function openAITypes(creation: string): DocumentedTypes {
  const lineTypes: Record<string, string> = {
    '/v1/chat/completions': 'OpenAIChatLine',
    '/v1/responses': 'OpenAIResponseLine',
    '/v1/embeddings': 'OpenAIEmbeddingLine',
    '/v1/moderations': 'OpenAIModerationLine',
  };
  return {
    body: (body) => ('messages' in body ? 'OpenAIChat' : creation),
    line: ({ url }) => lineTypes[String(url)] ?? null,
  };
}

function isWith(value: unknown, member: string): boolean {
  return typeof value === 'object' && value !== null && member in value;
}
