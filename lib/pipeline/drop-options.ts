import { unknownProvider } from '../providers/config.ts';
import type { BatchRecord } from '../records/batch.ts';
import { InvalidInputError, messageOf } from '../records/errors.ts';
import { isObject } from '../records/json.ts';
import { sidecarKeys } from '../records/object-keys.ts';
import {
  assertLabels,
  optionsFromObjectMetadata,
  parseRequestedOptions,
  type RequestedOptions,
} from '../records/options.ts';
import type { ObjectHead } from '../store/objects.ts';
import type { Services } from './services.ts';

export interface DropOptions extends RequestedOptions {
  /** Names in the object's metadata that are no options. */
  ignored: string[];
}

/** What stands beside a drop. */
export interface Sidecar {
  key: string;
  etag: string;
  text: string;
}

/**
 * @returns null where there is no sidecar.
 * @throws InvalidInputError `invalid_option` where there are two.
 */
export async function findSidecar(
  services: Pick<Services, 'objects'>,
  { bucket, key }: { bucket: string; key: string },
): Promise<Sidecar | null> {
  const found: Sidecar[] = [];
  for (const beside of sidecarKeys(key)) {
    const sidecar = await services.objects.readText(beside, bucket);
    if (sidecar) found.push({ key: beside, ...sidecar });
  }
  const [first, second] = found;
  if (first && second)
    throw new InvalidInputError(
      'invalid_option',
      `Both ${first.key} and ${second.key} hold options: keep one of them.`,
    );
  return first ?? null;
}

/**
 * The options of a drop: its own metadata, then its sidecar, then the configuration's defaults.
 *
 * @throws InvalidInputError `invalid_option`
 */
export function optionsOfDrop(
  { config }: Pick<Services, 'config'>,
  { metadata }: Pick<ObjectHead, 'metadata'>,
  sidecar: Sidecar | null,
): DropOptions {
  const { options: ofObject, ignored } = optionsFromObjectMetadata(metadata);
  const requested = parseRequestedOptions({
    ...config.defaults,
    ...(sidecar && optionsIn(sidecar)),
    ...ofObject,
  });
  assertLabels(requested.options.metadata);
  const { provider } = requested.options;
  if (provider !== undefined && !Object.hasOwn(config.providers, provider))
    throw new InvalidInputError('invalid_option', unknownProvider(provider, config), { param: 'provider' });
  return { ...requested, ignored };
}

/** @throws InvalidInputError `invalid_option` where it is no JSON object. */
export function optionsIn({ key, text }: Sidecar): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (cause) {
    throw new InvalidInputError('invalid_option', `${key} is not valid JSON: ${messageOf(cause)}`, { cause });
  }
  throw new InvalidInputError('invalid_option', `${key} must hold a JSON object of options.`);
}

/**
 * Whether what stands under a batch's key is still its drop. The same bytes written again are another drop, with a sidecar of its own;
 * S3 tells times to the second.
 */
export function isDropOf({ input: [input], lastModified }: BatchRecord, head: ObjectHead): boolean {
  if (input?.etag !== head.etag) return false;
  return lastModified === null || lastModified === head.lastModified;
}

/** Events give an ETag bare, S3's answers in quotes. */
export function withoutQuotes(etag: string): string {
  return etag.replaceAll('"', '');
}

/** @returns what is to be said of a sidecar that came after the requests had been read; null where there is none. */
export function sidecarWarning(batch: BatchRecord): string | null {
  const { status, inboxKey, sidecarEtag, latestSidecarEtag } = batch;
  if (status === 'validating' || inboxKey === null || latestSidecarEtag === null) return null;
  if (latestSidecarEtag === sidecarEtag) return null;
  return `The file of options beside ${inboxKey} came after the requests had been read; its options are not applied. Where they matter, cancel the batch and drop the file again, its sidecar first.`;
}
