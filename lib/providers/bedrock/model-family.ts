import type { Endpoint } from '../../core/endpoints.ts';
import type { ModelFamily } from './body.ts';
import { claudeReader } from './claude-answer.ts';
import { claudeBodyFromChat, claudeBodyFromMessages } from './claude-body.ts';
import { converseBodyFromChat, converseReader } from './converse.ts';
import { llamaBodyFromChat, llamaReader } from './llama.ts';
import { mistralChatFromChat, mistralChatReader } from './mistral-chat.ts';
import { mistralPromptFromChat, mistralPromptReader } from './mistral-prompt.ts';
import { novaBodyFromChat } from './nova.ts';
import { titanBodyFromEmbeddings, titanReader } from './titan-embedding.ts';

const claude: ModelFamily = {
  name: 'Claude on Bedrock',
  invocation: 'InvokeModel',
  writers: {
    '/v1/chat/completions': claudeBodyFromChat,
    '/v1/messages': claudeBodyFromMessages,
  },
  reader: claudeReader,
};

const nova: ModelFamily = {
  name: 'Nova on Bedrock',
  invocation: 'InvokeModel',
  writers: { '/v1/chat/completions': novaBodyFromChat },
  reader: converseReader,
};

const llama: ModelFamily = {
  name: 'Llama on Bedrock',
  invocation: 'InvokeModel',
  writers: { '/v1/chat/completions': llamaBodyFromChat },
  reader: llamaReader,
};

const mistralPrompt: ModelFamily = {
  name: 'This model of Mistral on Bedrock',
  invocation: 'InvokeModel',
  writers: { '/v1/chat/completions': mistralPromptFromChat },
  reader: mistralPromptReader,
};

const mistralChat: ModelFamily = {
  name: 'Mistral on Bedrock',
  invocation: 'InvokeModel',
  writers: { '/v1/chat/completions': mistralChatFromChat },
  reader: mistralChatReader,
};

const titan: ModelFamily = {
  name: 'Titan on Bedrock',
  invocation: 'InvokeModel',
  writers: { '/v1/embeddings': titanBodyFromEmbeddings },
  reader: titanReader,
};

/** Whatever else holds a conversation. */
const converse: ModelFamily = {
  name: 'Converse in batches',
  invocation: 'Converse',
  writers: { '/v1/chat/completions': converseBodyFromChat },
  reader: converseReader,
};

/** Which models there are, the first that fits; null for those whose bodies nobody here writes. */
const families: readonly (readonly [RegExp, ModelFamily | null])[] = [
  [/^anthropic\.claude-/, claude],
  [/^amazon\.nova-(canvas|reel|sonic|2-sonic)|embed(?!-text-v2)|rerank|image|^(stability|luma|twelvelabs)\./, null],
  [/^amazon\.titan-embed-text-v2/, titan],
  [/^amazon\.nova-/, nova],
  [/^meta\.llama3/, llama],
  [/^mistral\.(mistral-7b|mixtral-8x7b|mistral-small-2402)/, mistralPrompt],
  [/^mistral\./, mistralChat],
  [/./, converse],
];

/** An imported model has a body of its own, and no Converse. */
const importedModel = /:imported-model\//;

/** Of an inference profile; `us-gov` and such. */
const region = /^(?:us|us-gov|eu|apac|global|jp|au|ca|sa|me|af|il|mx)\./;

/**
 * @param model a model's id, an inference profile's (`us.anthropic.claude-...`), or an ARN that ends with either; one
 * that names no model is spoken to by Converse.
 * @returns null for a model whose body we do not write.
 */
export function familyOf(model: string): ModelFamily | null {
  if (importedModel.test(model)) return null;
  const name = model.slice(model.lastIndexOf('/') + 1).replace(region, '');
  return families.find(([names]) => names.test(name))?.[1] ?? null;
}

/** Of any family. */
export const bedrockEndpoints = [
  '/v1/chat/completions',
  '/v1/messages',
  '/v1/embeddings',
] as const satisfies readonly Endpoint[];
