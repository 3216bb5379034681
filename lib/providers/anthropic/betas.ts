import { z } from 'zod';
import type { RequestLine } from '../../lines/request-line.ts';
import type { AccountSettings } from '../account.ts';
import type { SharedMembers } from '../contract.ts';

/** A name as the `anthropic-beta` header takes it. */
const betaName = z.string().regex(/^[A-Za-z0-9._-]{1,100}$/, 'a beta is of A-Z, a-z, 0-9, ., _ and -');

/** Which features in beta an account's requests use. Source: https://platform.claude.com/docs/en/api/beta-headers, read 2026-11. */
export const betasSchema = z.strictObject({
  /** Those that a line may name in `betas`. */
  allowed: z.array(betaName).default([]),
  /** Those that all requests use; a line may name them too. */
  always: z.array(betaName).default([]),
});

export type Betas = z.infer<typeof betasSchema>;

const noBetas: Betas = { allowed: [], always: [] };

/** An account that may say something of betas: one of kind `live` says nothing. */
export interface BetaSettings extends AccountSettings {
  betas?: Betas | undefined;
}

/** Whether a line names betas: they are no member of a request to Anthropic. */
export function namesBetas({ body, endpoint }: Pick<RequestLine, 'body' | 'endpoint'>): boolean {
  return body.betas !== undefined && (endpoint === '/v1/messages' || endpoint === '/v1/chat/completions');
}

/** `betas` of a line. They stand in a header, so lines with others go in another batch. */
export function sharedBetas(
  request: Pick<RequestLine, 'body' | 'format' | 'endpoint'>,
  { betas = noBetas }: BetaSettings,
): SharedMembers {
  if (!namesBetas(request)) return { ok: true, shared: null };
  const param = request.format === 'openai' ? 'body.betas' : 'params.betas';
  const named = z.array(betaName).safeParse(request.body.betas);
  if (!named.success) return wrong(param, `'${param}' is a list of names of betas, such as "files-api-2025-04-14".`);
  const allowed = [...betas.allowed, ...betas.always];
  const other = named.data.find((beta) => !allowed.includes(beta));
  if (other === undefined) return { ok: true, shared: { betas: [...new Set(named.data)].toSorted() } };
  const list = allowed.length === 0 ? 'allows none' : `allows ${allowed.join(', ')}`;
  const message = `The beta '${other}' is not allowed: the account ${list}. Leave it out, or name it in 'betas.allowed' of an account of kind anthropic in batchdrop.config.json.`;
  return wrong(param, message);
}

function wrong(param: string, message: string): SharedMembers {
  return { ok: false, error: { code: 'unsupported_parameter', message, param } };
}

const sharedSchema = z
  .object({ betas: z.array(z.string()) })
  .nullable()
  .catch(null);

/**
 * The `anthropic-beta` header of a sending; null without any.
 *
 * @param given what a caller of the library sends with every call.
 */
export function betaHeader(
  { betas = noBetas }: Pick<BetaSettings, 'betas'>,
  shared: unknown,
  given: string | null = null,
): string | null {
  const all = [...(given?.split(',') ?? []), ...betas.always, ...(sharedSchema.parse(shared)?.betas ?? [])];
  const names = new Set(all.map((name) => name.trim()).filter((name) => name !== ''));
  return names.size > 0 ? [...names].join(',') : null;
}
