import { examineClaudeBody } from './claude.ts';
import { examineConverse, examineConverseInBatch, examineNova } from './conversation.ts';
import { type Examiner, invalid } from './examination.ts';
import { examineMistralChat } from './mistral-chat.ts';
import { examineLlama, examineMistralPrompt } from './prompts.ts';
import { examineTitan } from './titan.ts';

/** How a model is called: by a body of its own, or by Converse, which has no tools in batches. */
export type Invocation = 'InvokeModel' | 'Converse' | 'ConverseInBatch';

/** `publisher.model`, behind the region of an inference profile. */
const modelName = /^(?:(?:us|us-gov|eu|apac|global|jp|au|ca)\.)?([a-z0-9]+\.[a-zA-Z0-9.:-]+)$/;

/** An application's own inference profile, which does not show its model. */
const ownProfile = /:application-inference-profile\/[a-z0-9]+$/;

/** @returns null where there is no such model. */
export function examinerOf(modelId: string, invocation: Invocation): Examiner | null {
  const name = ownProfile.test(modelId)
    ? 'some.model'
    : modelName.exec(modelId.slice(modelId.lastIndexOf('/') + 1))?.[1];
  if (name === undefined) return null;
  switch (invocation) {
    case 'InvokeModel':
      return native(name);
    case 'Converse':
      return /embed/.test(name) ? noConverse : examineConverse;
    case 'ConverseInBatch':
      return /embed/.test(name) ? noConverse : examineConverseInBatch;
  }
}

const noConverse: Examiner = () => ({ error: invalid("This model doesn't support the Converse API.") });

/** Refuses every body of a model whose bodies are not simulated. */
const unknownBody: Examiner = () => ({ error: invalid('Malformed input request: this body is not simulated.') });

function native(name: string): Examiner {
  const claude = /^anthropic\.(claude-[a-z0-9.-]+?)(?:-v\d+(?::\d+)?)?$/.exec(name)?.[1];
  if (claude !== undefined) return (body) => examineClaudeBody(body, claude);
  if (name.startsWith('amazon.nova-')) return examineNova;
  if (name.startsWith('meta.llama3')) return examineLlama;
  if (/^mistral\.(mistral-7b|mixtral|mistral-small-2402)/.test(name)) return examineMistralPrompt;
  if (name.startsWith('mistral.')) return (body) => examineMistralChat(body, name);
  return name.startsWith('amazon.titan-embed-text-v2') ? examineTitan : unknownBody;
}
