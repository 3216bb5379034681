import type { ProviderConfig } from '../config.ts';
import type { Provider } from '../contract.ts';
import { lazyClient, lazyLiveClient } from '../shared/http/lazy-client.ts';
import type { Dialect } from './dialect.ts';
import { passedRequests } from './request.ts';
import { translatedResults } from './result.ts';

interface Member extends Pick<Provider, 'kind' | 'limits' | 'endpoints' | 'direct' | 'notes'> {
  /** The service's name, for messages. */
  service: string;
  /** How an account of it is spoken to. */
  dialectOf(config: ProviderConfig): Dialect;
}

/** A provider whose lines pass through and whose API is OpenAI's, up to a dialect. */
export function familyMember({
  service,
  endpoints,
  dialectOf,
  ...known
}: Member): Provider & Required<Pick<Provider, 'live'>> {
  return {
    ...known,
    ...passedRequests(service, endpoints),
    translateResult: translatedResults(service),
    connect: (settings) =>
      lazyClient(async () => (await import('./client.ts')).connectDialect(settings, dialectOf(settings.config))),
    live: (settings) =>
      lazyLiveClient(async () => (await import('./live.ts')).connectLiveOpenAI(settings, dialectOf(settings.config))),
  };
}
