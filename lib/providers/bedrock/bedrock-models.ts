import type { DescribedModels, RuleSource } from '../contract.ts';

const guide = 'https://docs.aws.amazon.com/bedrock/latest/userguide';
const nova = 'https://docs.aws.amazon.com/nova/latest';
const read = (source: string): RuleSource => ({ source, read: '2026-11' });

const vision = read('https://platform.claude.com/docs/en/build-with-claude/vision');
const novaBody = read(`${nova}/userguide/complete-request-schema.html`);
const llama = read(`${guide}/model-parameters-meta.html`);
const mistralPrompt = read(`${guide}/model-parameters-mistral-text-completion.html`);
const mistralChat = read(`${guide}/model-parameters-mistral-chat-completion.html`);
const batches = read(`${guide}/batch-inference.html`);

/** What the bodies of its families of models have no place for. What differs between models of Claude stands with Anthropic. */
export const bedrockModels: readonly DescribedModels[] = [
  { models: ['anthropic.claude-*'], says: [{ says: 'no images by URL', source: vision }] },
  {
    models: ['amazon.nova-*'],
    says: [
      { says: 'no images by URL', source: novaBody },
      { says: 'no documents', source: novaBody },
      { says: 'no schemas', source: novaBody },
    ],
  },
  {
    models: ['amazon.nova-2-*'],
    says: [
      {
        says: 'thinks where `reasoning_effort` asks for it',
        source: read(`${nova}/nova2-userguide/request-response-schema.html`),
      },
      { says: 'the effort high only without a limit of tokens, temperature and top_p', source: null },
    ],
  },
  {
    models: ['meta.llama3*'],
    says: ['no images', 'no tools', 'no schemas', 'no stop'].map((says) => ({ says, source: llama })),
  },
  {
    models: ['mistral.mistral-7b*', 'mistral.mixtral-8x7b*', 'mistral.mistral-small-2402*'],
    says: ['no images', 'no tools', 'no schemas'].map((says) => ({ says, source: mistralPrompt })),
  },
  {
    models: ['mistral.*'],
    says: ['no images by URL', 'no schemas', 'no stop'].map((says) => ({ says, source: mistralChat })),
  },
  {
    models: ['*'],
    says: ['no images by URL', 'no tools'].map((says) => ({ says, source: batches })),
  },
];
