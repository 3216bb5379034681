import type { Endpoint } from '../../../records/endpoints.ts';
import type { AnsweredLine, Translation } from '../../contract.ts';
import { answerInForm } from './answer-in-form.ts';
import type { Form } from './form.ts';
import { messagesForm } from './messages/form.ts';
import { responsesForm } from './responses/form.ts';
import { throughChat } from './through-chat.ts';

const hub: Endpoint = '/v1/chat/completions';

const allForms: ReadonlyMap<Endpoint, Form> = new Map(
  [responsesForm, messagesForm].map((form) => [form.endpoint, form]),
);

/** The form that goes through chat completions, of what is for a model. */
type FormOf = (asked: { endpoint: Endpoint; model: string | null }) => Form | undefined;

/**
 * Lets a provider that has chat completions take Responses and Messages as well, where it or the model has them not
 * itself: such a line goes there as a chat completion, and its answer comes back in the line's own form. The provider's
 * own endpoints are left alone.
 */
export function withTranslatedEndpoints<Whole extends Translation>(provider: Whole): Whole {
  if (!provider.endpoints.includes(hub)) return provider;
  const missing = [...allForms.keys()].filter((endpoint) => !provider.endpoints.includes(endpoint));
  const formOf: FormOf = ({ endpoint, model }) => {
    const isLacking = missing.includes(endpoint) || (model !== null && provider.lacks?.(endpoint, model));
    return isLacking ? allForms.get(endpoint) : undefined;
  };
  return {
    ...provider,
    endpoints: [...provider.endpoints, ...missing],
    passesThrough: (request) => !missing.includes(request.endpoint) && provider.passesThrough(request),
    translateRequest(request, target) {
      const form = formOf({ endpoint: request.endpoint, model: target.model });
      return form
        ? throughChat(provider.translateRequest, form, request, target, provider.chatModel)
        : provider.translateRequest(request, target);
    },
    translateResult(bytes, find) {
      let asked: AnsweredLine | null = null;
      const result = provider.translateResult(bytes, (lineId) => {
        asked = find(lineId);
        return asked && formOf(asked) ? { ...asked, format: 'openai', endpoint: hub } : asked;
      });
      return result.kind === 'answered' ? inAskedForm(formOf, asked, result) : result;
    },
    ownEndpoint: ({ endpoint, model }) => (formOf({ endpoint, model }) ? hub : endpoint),
  };
}

function inAskedForm(formOf: FormOf, line: AnsweredLine | null, result: Parameters<typeof answerInForm>[2]) {
  const form = line && formOf(line);
  return form ? answerInForm(form, line, result) : result;
}
