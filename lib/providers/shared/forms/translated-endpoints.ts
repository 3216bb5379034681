import type { Endpoint } from '../../../records/endpoints.ts';
import type { AnsweredLine, ConnectionSettings, Provider, ProviderClient, Sending } from '../../contract.ts';
import { lazyClient } from '../http/lazy-client.ts';
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
export function withTranslatedEndpoints(provider: Provider): Provider {
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
        ? throughChat(provider.translateRequest, form, request, target)
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
    connect: (settings) => clientThroughChat(provider, settings, formOf),
    live: liveThroughChat(provider.live, formOf),
  };
}

function inAskedForm(formOf: FormOf, line: AnsweredLine | null, result: Parameters<typeof answerInForm>[2]) {
  const form = line && formOf(line);
  return form ? answerInForm(form, line, result) : result;
}

/** The provider's batch is one of chat completions. */
function clientThroughChat(provider: Provider, settings: ConnectionSettings, formOf: FormOf): ProviderClient {
  const client = provider.connect(settings);
  const sent = (sending: Sending): Sending => (formOf(sending) ? { ...sending, endpoint: hub } : sending);
  return {
    ...lazyClient(async () => client),
    upload: (sending, signal) => client.upload(sent(sending), signal),
    create: (sending, fileId, signal) => client.create(sent(sending), fileId, signal),
    findLost: (lost, signal) => client.findLost({ ...lost, sending: sent(lost.sending) }, signal),
  };
}

function liveThroughChat(live: Provider['live'], formOf: FormOf): Provider['live'] {
  return (settings) => {
    const client = live(settings);
    return {
      call: (call) => client.call(formOf(call) ? { ...call, endpoint: hub } : call),
    };
  };
}
