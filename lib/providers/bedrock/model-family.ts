import type { Endpoint } from '../../records/endpoints.ts';
import { claudeModels } from '../anthropic/claude-models.ts';
import type { BodyFamily } from './body.ts';
import { claudeReader } from './claude-answer.ts';
import { claudeBodyFromChat, claudeBodyFromMessages } from './claude-body.ts';
import { converseBodyFromChat, converseReader } from './converse.ts';
import { llamaBodyFromChat, llamaReader, mostTokens } from './llama.ts';
import { mistralChatFromChat, mistralChatReader } from './mistral-chat.ts';
import { mistralPromptFromChat, mistralPromptReader, mostTokensOf } from './mistral-prompt.ts';
import { novaBodyFromChat } from './nova.ts';
import { titanBodyFromEmbeddings, titanReader } from './titan-embedding.ts';

/** Models of images, videos and vectors, whose bodies nobody here writes. */
const unwritten =
  /^amazon\.nova-(canvas|reel|sonic|2-sonic)|embed(?!-text-v2)|rerank|image|^(stability|luma|twelvelabs)\./;

/** How each family is written, called and read; of a model the first that fits. */
const families: readonly (BodyFamily & { models: RegExp })[] = [
  {
    models: /^anthropic\.claude-/,
    name: 'Claude on Bedrock',
    invocation: 'InvokeModel',
    writers: { '/v1/chat/completions': claudeBodyFromChat, '/v1/messages': claudeBodyFromMessages },
    reader: claudeReader,
    sentOutputLimit: (model) => claudeModels.find(model).row.defaultMaxTokens,
  },
  {
    models: /^amazon\.nova-/,
    name: 'Nova on Bedrock',
    invocation: 'InvokeModel',
    writers: { '/v1/chat/completions': novaBodyFromChat },
    reader: converseReader,
  },
  {
    models: /^meta\.llama3/,
    name: 'Llama on Bedrock',
    invocation: 'InvokeModel',
    writers: { '/v1/chat/completions': llamaBodyFromChat },
    reader: llamaReader,
    sentOutputLimit: () => mostTokens,
  },
  {
    models: /^mistral\.(mistral-7b|mixtral-8x7b|mistral-small-2402)/,
    name: 'This model of Mistral on Bedrock',
    invocation: 'InvokeModel',
    writers: { '/v1/chat/completions': mistralPromptFromChat },
    reader: mistralPromptReader,
    sentOutputLimit: mostTokensOf,
  },
  {
    models: /^mistral\./,
    name: 'Mistral on Bedrock',
    invocation: 'InvokeModel',
    writers: { '/v1/chat/completions': mistralChatFromChat },
    reader: mistralChatReader,
  },
  {
    models: /^amazon\.titan-embed-text-v2/,
    name: 'Titan on Bedrock',
    invocation: 'InvokeModel',
    writers: { '/v1/embeddings': titanBodyFromEmbeddings },
    reader: titanReader,
  },
  {
    models: /./, // whatever else holds a conversation
    name: 'Converse in batches',
    invocation: 'Converse',
    writers: { '/v1/chat/completions': converseBodyFromChat },
    reader: converseReader,
  },
];

/** What our roles may call. An imported, customized or provisioned model has an ARN of another kind. */
const callableArn = /:(?:foundation-model|inference-profile|application-inference-profile)\//;

/** Where the models of an inference profile are. */
const region = /^(?:us|us-gov|eu|apac|global|jp|au|ca|sa|me|af|il|mx)\./;

/**
 * @param model a model's id, an inference profile's (`us.anthropic.claude-...`), or an ARN that ends with either; one
 * that names no model is spoken to by Converse.
 * @returns null for a model whose body we do not write, or that we may not call.
 */
export function familyOf(model: string): BodyFamily | null {
  const name = model.slice(model.lastIndexOf('/') + 1).replace(region, '');
  const isCallable = !model.startsWith('arn:') || callableArn.test(model);
  if (!isCallable || unwritten.test(name)) return null;
  return families.find(({ models }) => models.test(name)) ?? null;
}

/** Whether a model takes chat completions and not this. */
export function lacks(endpoint: Endpoint, model: string): boolean {
  const writers = familyOf(model)?.writers;
  return writers?.['/v1/chat/completions'] !== undefined && writers[endpoint] === undefined;
}

/** Every endpoint that some family of models has. */
export const bedrockEndpoints = [
  '/v1/chat/completions',
  '/v1/messages',
  '/v1/embeddings',
] as const satisfies readonly Endpoint[];
