import type { Trigger } from '../triggers.ts';
import { type ErrorBody, errorOfStatus, invalidRequest } from './error-reply.ts';
import type { Examination, LineRefusal } from './examination.ts';

/** What a trigger in the prompt makes of a request; null where the model answers. */
export function refusalOfTrigger(trigger: Trigger | null): LineRefusal | null {
  switch (trigger) {
    case 'refuse':
      return { status: 400, error: invalidRequest(contentPolicyText, null, 'invalid_prompt') };
    case 'rate-limit':
      return { status: 429, error: errorOfStatus(429) };
    case 'server-error':
      return { status: 500, error: errorOfStatus(500) };
    case 'overloaded':
      return { status: 503, error: errorOfStatus(503) };
    case 'decline':
    case null:
      return null;
  }
}

const contentPolicyText =
  'Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a different prompt: https://platform.openai.com/docs/guides/reasoning#advice-on-prompting';

export function refuse(error: ErrorBody): Examination {
  return { refusal: { status: 400, error } };
}
