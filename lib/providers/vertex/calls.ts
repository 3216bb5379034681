import type { z } from 'zod';
import type { ConnectionSettings } from '../contract.ts';
import { type Api, type ApiCall, apiFrom, callApi, read } from '../google-family/api.ts';
import { KeyedClient } from '../shared/http/keyed-client.ts';
import { settledOrAborted } from '../shared/http/settled-or-aborted.ts';
import { accessTokens } from './access-token.ts';
import type { VertexSettings } from './settings.ts';

type Service = 'vertex' | 'storage';

/** Calls to Vertex and to Cloud Storage by the access token of the moment. */
export class VertexCalls {
  readonly config: VertexSettings;
  readonly #settings: ConnectionSettings<VertexSettings>;
  readonly #credentials: KeyedClient<{ accessToken: () => Promise<string> }>;

  constructor(settings: ConnectionSettings<VertexSettings>) {
    this.config = settings.config;
    this.#settings = settings;
    this.#credentials = new KeyedClient(settings, (secret) => ({ accessToken: accessTokens(secret) }));
  }

  async call(service: Service, path: string, call: ApiCall): Promise<Response> {
    return await this.#credentials.call(async ({ accessToken }) => {
      const token = await settledOrAborted(accessToken(), call.signal);
      return callApi(this.#api(service, token), path, call);
    });
  }

  async read<Value>(
    service: Service,
    path: string,
    what: string,
    schema: z.ZodType<Value>,
    signal: AbortSignal,
  ): Promise<Value> {
    return await read(what, schema, signal, (deadline) => this.call(service, path, { signal: deadline }));
  }

  /** Where projects have their models and their jobs. */
  get parent(): string {
    return `/v1/projects/${this.config.project}/locations/${this.config.location}`;
  }

  #api(service: Service, token: string): Api {
    return apiFrom(this.#settings, baseUrlOf(service, this.config), { authorization: `Bearer ${token}` });
  }
}

function baseUrlOf(service: Service, { baseUrl, storageUrl, location }: VertexSettings): string {
  switch (service) {
    case 'vertex':
      return baseUrl ?? `https://${location === 'global' ? '' : `${location}-`}aiplatform.googleapis.com`;
    case 'storage':
      return storageUrl ?? baseUrl ?? 'https://storage.googleapis.com';
  }
}
