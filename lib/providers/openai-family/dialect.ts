import type { ClientOptions } from 'openai';
import { z } from 'zod';
import type { PageRequest, Sending } from '../contract.ts';

/** What differs between the services that speak OpenAI's batch API. */
export interface Dialect {
  /** The service's name, for messages. */
  service: string;
  /** Where its API is; null where only the configuration knows. */
  baseUrl: string | null;
  /** How the account's secret goes out; an empty one is that of a server without keys. */
  credentials(secret: string): {
    apiKey: NonNullable<ClientOptions['apiKey']>;
    defaultHeaders?: Record<string, string | null>;
  };
  uploadPath: string;
  /** Fields of the upload's form beside the file. */
  uploadFields(fileName: string): Record<string, string>;
  /** The body of a creation. What it says of us must come back in the batch's metadata or its input_file_id. */
  creation(sending: Sending, inputFileId: string): object;
  /** The service's batch in OpenAI's form; what is no batch stays none. */
  batchFrom(reply: unknown): unknown;
  list: ListDialect;
  /** @param batchId ready to stand in a path. */
  cancelPath(batchId: string): string;
  /** Streams results as lines where they do not stand in files. */
  results?(read: Read, batchId: string): AsyncGenerator<Uint8Array>;
  /** Whether only the stored file's size can show that a download is whole, since there are no counts. */
  verifiesBySize: boolean;
  /** Whether `in_progress_at` is unset only in a batch that never began: what is documented of a service is known of no server of one's own. */
  showsStart: boolean;
}

export interface ListDialect {
  query(page: PageRequest): object;
  /** The service's batches, and what names the next page; throws where the reply is no list. */
  pageFrom(reply: unknown, limit: number): ListPage;
  /** Whether pages go on behind a batch's id; else a place in the list is found by walking it. */
  goesOnBehindIds: boolean;
}

export interface ListPage {
  batches: unknown[];
  next: string | null;
}

/** Reads JSON from a path under the service's base URL. */
export type Read = (path: string, query: object) => Promise<unknown>;

const listSchema = z.object({ data: z.array(z.unknown()), has_more: z.boolean().nullish().catch(null) });
const identified = z.object({ id: z.string() });

/** Without `has_more`, as some servers answer, a full page promises another one. */
const openAIList: ListDialect = {
  query: ({ after, limit }) => ({ limit, ...(after !== undefined && { after }) }),
  pageFrom: (reply, limit) => {
    const { data, has_more } = listSchema.parse(reply);
    const hasMore = has_more ?? data.length >= limit;
    return { batches: data, next: hasMore && data.length > 0 ? identified.parse(data.at(-1)).id : null };
  },
  goesOnBehindIds: true,
};

/** OpenAI's own ways; the others say what they do otherwise. */
export const openAIWays = {
  credentials: (apiKey) => ({ apiKey }),
  uploadPath: '/files',
  uploadFields: () => ({ purpose: 'batch' }),
  batchFrom: (reply) => reply,
  list: openAIList,
  cancelPath: (batchId) => `/batches/${batchId}/cancel`,
  verifiesBySize: false,
  showsStart: true,
} as const satisfies Partial<Dialect>;

/** A creation that every server understands which takes OpenAI's. */
export function plainCreation(completionWindow: string): Dialect['creation'] {
  return ({ endpoint, metadata }, inputFileId) => ({
    input_file_id: inputFileId,
    endpoint,
    metadata,
    completion_window: completionWindow,
  });
}

/** How long the service keeps our input and its results: 30 days, the most. Source: openai 7.55 `OutputExpiresAfter`. */
const expiresAfter = { anchor: 'created_at', seconds: 2_592_000 } as const;

/** OpenAI's own, and Azure's: files and results expire. */
export const expiringWays = {
  ...openAIWays,
  uploadFields: () => ({
    purpose: 'batch',
    'expires_after[anchor]': expiresAfter.anchor,
    'expires_after[seconds]': String(expiresAfter.seconds),
  }),
  creation: (sending, inputFileId) => ({
    ...plainCreation('24h')(sending, inputFileId),
    output_expires_after: expiresAfter,
  }),
} as const satisfies Partial<Dialect>;

export const openAIDialect: Dialect = { ...expiringWays, service: 'OpenAI', baseUrl: 'https://api.openai.com/v1' };

/** For servers that may have no keys: the SDK wants one even where none goes out. */
export const keylessCredentials: Dialect['credentials'] = (secret) =>
  secret === '' ? { apiKey: 'none', defaultHeaders: { authorization: null } } : { apiKey: secret };
