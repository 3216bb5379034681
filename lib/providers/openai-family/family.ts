import type { AccountSettings } from '../account.ts';
import type { Provider } from '../contract.ts';
import { chatModelOf } from './chat-models.ts';
import type { Dialect } from './dialect.ts';
import { passedRequests } from './request.ts';
import { translatedResults } from './result.ts';

/** What the services have in common whose lines pass through and whose API is OpenAI's, up to a dialect. */
type FamilyMember<Settings extends AccountSettings> = Pick<
  Provider<Settings>,
  'endpoints' | 'passesThrough' | 'translateRequest' | 'translateResult' | 'live' | 'chatModel'
> &
  Required<Pick<Provider<Settings>, 'connect'>>;

/**
 * @param service the service's name, for messages.
 * @param dialectOf how an account of it is spoken to.
 */
export function familyMember<Settings extends AccountSettings>(
  service: string,
  endpoints: Provider['endpoints'],
  dialectOf: (settings: Settings) => Dialect,
): FamilyMember<Settings> {
  return {
    ...passedRequests(service, endpoints),
    chatModel: chatModelOf,
    translateResult: translatedResults(service),
    connect: async (connection) =>
      (await import('./client.ts')).connectDialect(connection, dialectOf(connection.config)),
    live: async (connection) => (await import('./live.ts')).connectLiveOpenAI(connection, dialectOf(connection.config)),
  };
}
