import type { Endpoint } from '../../core/endpoints.ts';
import { lazyClient } from '../lazy-client.ts';
import type { AnsweredLine, ConnectionSettings, Provider, ProviderClient, Sending } from '../provider.ts';
import { answerInForm } from './answer-in-form.ts';
import type { Form } from './form.ts';
import { messagesForm } from './messages/form.ts';
import { responsesForm } from './responses/form.ts';
import { throughChat } from './through-chat.ts';

const hub: Endpoint = '/v1/chat/completions';

type Forms = ReadonlyMap<Endpoint, Form>;

/**
 * Lets a provider that has chat completions take Responses and Messages as well, where it has them not itself: such a
 * line goes there as a chat completion, and its answer comes back in the line's own form. The provider's own endpoints
 * are left alone.
 */
export function withTranslatedEndpoints(provider: Provider): Provider {
  const forms = missingForms(provider);
  if (forms.size === 0) return provider;
  return {
    ...provider,
    endpoints: [...provider.endpoints, ...forms.keys()],
    passesThrough: (request) => !forms.has(request.endpoint) && provider.passesThrough(request),
    translateRequest(request, target) {
      const form = forms.get(request.endpoint);
      return form
        ? throughChat(provider.translateRequest, form, request, target)
        : provider.translateRequest(request, target);
    },
    translateResult(bytes, find) {
      let asked: AnsweredLine | null = null;
      const result = provider.translateResult(bytes, (lineId) => {
        asked = find(lineId);
        return asked && forms.has(asked.endpoint) ? { ...asked, format: 'openai', endpoint: hub } : asked;
      });
      return result.kind === 'answered' ? inAskedForm(forms, asked, result) : result;
    },
    connect: (settings) => clientThroughChat(provider, settings, forms),
    ...(provider.live && { live: liveThroughChat(provider.live, forms) }),
  };
}

function missingForms({ endpoints }: Provider): Forms {
  if (!endpoints.includes(hub)) return new Map();
  const missing = [responsesForm, messagesForm].filter(({ endpoint }) => !endpoints.includes(endpoint));
  return new Map(missing.map((form) => [form.endpoint, form]));
}

function inAskedForm(forms: Forms, line: AnsweredLine | null, result: Parameters<typeof answerInForm>[2]) {
  const form = line && forms.get(line.endpoint);
  return form ? answerInForm(form, line, result) : result;
}

/** The provider's batch is one of chat completions. */
function clientThroughChat(provider: Provider, settings: ConnectionSettings, forms: Forms): ProviderClient {
  const client = provider.connect(settings);
  const sent = (sending: Sending): Sending => (forms.has(sending.endpoint) ? { ...sending, endpoint: hub } : sending);
  return {
    ...lazyClient(async () => client),
    upload: (sending, signal) => client.upload(sent(sending), signal),
    create: (sending, fileId, signal) => client.create(sent(sending), fileId, signal),
    findLost: (lost, signal) => client.findLost({ ...lost, sending: sent(lost.sending) }, signal),
  };
}

function liveThroughChat(live: NonNullable<Provider['live']>, forms: Forms): NonNullable<Provider['live']> {
  return (settings) => {
    const client = live(settings);
    return {
      call: (call) => client.call(forms.has(call.endpoint) ? { ...call, endpoint: hub } : call),
    };
  };
}
