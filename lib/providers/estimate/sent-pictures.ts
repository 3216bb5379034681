import type { RequestLine } from '../../lines/request-line.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import { type PictureRule, pictureSizeOf, unknownPictures } from '../shared/picture-tokens.ts';

/** Pictures that a request shows: their tokens, and the bytes that they take in it, which are no text. */
interface SentPictures {
  tokens: number;
  bytes: number;
}

/**
 * Most tokens of a picture that is to be edited: 65, 129 for each of four tiles, and 6,240 of high fidelity.
 * Source: https://developers.openai.com/api/docs/guides/images-vision (GPT Image 1), read 2026-11.
 */
const editedPictureTokens = 6_821;

const none: SentPictures = { tokens: 0, bytes: 0 };

/** Counts the pictures among the messages of a request by the model's rule. Looks at the parsed request alone. */
export function picturesIn(
  { endpoint, body }: Pick<RequestLine, 'endpoint' | 'body'>,
  model: string,
  rule: PictureRule = unknownPictures,
): SentPictures {
  if (endpoint === '/v1/images/edits') return editedPictures(body);
  const turns = endpoint === '/v1/responses' ? body.input : body.messages;
  if (!Array.isArray(turns)) return none;
  let found = none;
  for (const turn of turns)
    if (isObject(turn) && Array.isArray(turn.content)) found = add(found, inParts(turn.content, model, rule));
  return found;
}

function editedPictures({ image, images, mask }: JsonObject): SentPictures {
  const given = [image, images, mask].flat().filter((picture) => picture !== undefined && picture !== null);
  const bytes = given.reduce<number>((sum, picture) => sum + (typeof picture === 'string' ? picture.length : 0), 0);
  return { tokens: editedPictureTokens * Math.max(1, given.length), bytes };
}

function inParts(parts: readonly unknown[], model: string, rule: PictureRule): SentPictures {
  let found = none;
  for (const part of parts) {
    if (!isObject(part)) continue;
    if (part.type === 'tool_result' && Array.isArray(part.content))
      found = add(found, inParts(part.content, model, rule));
    const picture = pictureOf(part);
    if (!picture) continue;
    const { base64, detail } = picture;
    const tokens = rule(model, { size: base64 === null ? null : pictureSizeOf(base64), detail });
    found = add(found, { tokens, bytes: base64?.length ?? 0 });
  }
  return found;
}

function add(left: SentPictures, right: SentPictures): SentPictures {
  return { tokens: left.tokens + right.tokens, bytes: left.bytes + right.bytes };
}

/** The picture of a part in the form of chat completions, of Responses or of Messages; null for any other part. */
function pictureOf(part: JsonObject): { base64: string | null; detail: unknown } | null {
  switch (part.type) {
    case 'image_url': {
      const image = isObject(part.image_url) ? part.image_url : null;
      return { base64: dataOf(image?.url), detail: image?.detail };
    }
    case 'input_image':
      return { base64: dataOf(part.image_url), detail: part.detail };
    case 'image': {
      const data = isObject(part.source) ? part.source.data : null;
      return { base64: typeof data === 'string' ? data : null, detail: null };
    }
    default:
      return null;
  }
}

/** What stands in a data URL. */
function dataOf(url: unknown): string | null {
  if (typeof url !== 'string' || !url.startsWith('data:')) return null;
  return url.slice(url.indexOf(',') + 1);
}
