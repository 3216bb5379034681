import { isAbsent } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import { type Placed, placedParts } from '../shared/chat/chat-messages.ts';
import { fileDataFrom } from '../shared/chat/data-url.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';

/** Parts of a chat message -> Mistral's chunks. Source: @mistralai/mistralai 2.7 `ContentChunk`. */

type Content = string | JsonObject[];

const path = 'body.messages[].content[]';
const textKeys: ReadonlySet<string> = new Set(['type', 'text']);
const refusalKeys: ReadonlySet<string> = new Set(['type', 'refusal']);
const imageKeys: ReadonlySet<string> = new Set(['type', 'image_url']);
const imageUrlKeys: ReadonlySet<string> = new Set(['url', 'detail']);
const audioKeys: ReadonlySet<string> = new Set(['type', 'input_audio']);
const audioDataKeys: ReadonlySet<string> = new Set(['data', 'format']);
const fileKeys: ReadonlySet<string> = new Set(['type', 'file']);
const fileDataKeys: ReadonlySet<string> = new Set(['file_data', 'filename']);
const fileIdKeys: ReadonlySet<string> = new Set(['file_id']);
const ownFileKeys: ReadonlySet<string> = new Set(['type', 'file_id']);

/** Mistral's own parts, which a line for it may hold: they go on as they are. */
const ownTypes: ReadonlySet<unknown> = new Set(['document_url', 'reference', 'thinking']);

/**
 * The content of a user's message, as Mistral takes it.
 *
 * @param exact the content with its numbers as they were written.
 */
export function inputContent(content: unknown, exact: unknown, param: string, notes: TranslationNotes): Content {
  return contentFrom(content, exact, param, (part) => inputPart(part, notes));
}

/** The texts of a message of any other role. */
export function textContent(content: unknown, exact: unknown, param: string, notes: TranslationNotes): Content {
  return contentFrom(content, exact, param, (part) => spokenPart(part, notes));
}

function contentFrom(content: unknown, exact: unknown, param: string, partFrom: (part: Placed) => JsonObject): Content {
  if (typeof content === 'string') return content;
  const parts = placedParts(content, param);
  if (parts.length === 0) throw invalid(param, 'some content');
  return parts.map((part, index) => {
    if (!ownTypes.has(part.value.type)) return partFrom(part);
    const exactPart: unknown = Array.isArray(exact) ? exact[index] : undefined;
    return isObject(exactPart) ? exactPart : part.value;
  });
}

function spokenPart({ value: part, param }: Placed, notes: TranslationNotes): JsonObject {
  if (part.type === 'text') return textPart(part, param, notes);
  if (part.type === 'refusal') return refusalPart(part, param, notes);
  throw invalid(`${param}.type`, "'text'");
}

function inputPart({ value: part, param }: Placed, notes: TranslationNotes): JsonObject {
  switch (part.type) {
    case 'text':
      return textPart(part, param, notes);
    case 'image_url':
      return imagePart(part, param, notes);
    case 'input_audio':
      return audioPart(part, param, notes);
    case 'file':
      return filePart(part, param, notes);
    default:
      throw invalid(`${param}.type`, "'text', 'image_url', 'input_audio' or 'file'");
  }
}

function textPart(part: JsonObject, param: string, notes: TranslationNotes): JsonObject {
  if (typeof part.text !== 'string') throw invalid(`${param}.text`, 'a string');
  notes.dropOthers(part, textKeys, path);
  return { type: 'text', text: part.text };
}

function refusalPart(part: JsonObject, param: string, notes: TranslationNotes): JsonObject {
  if (typeof part.refusal !== 'string') throw invalid(`${param}.refusal`, 'a string');
  notes.dropOthers(part, refusalKeys, path);
  return { type: 'text', text: part.refusal };
}

const details: ReadonlySet<unknown> = new Set(['low', 'auto', 'high']);

function imagePart(part: JsonObject, param: string, notes: TranslationNotes): JsonObject {
  const image = part.image_url;
  notes.dropOthers(part, imageKeys, path);
  if (typeof image === 'string') return { type: 'image_url', image_url: image }; // Mistral's own short form
  if (!isObject(image) || typeof image.url !== 'string') throw invalid(`${param}.image_url.url`, 'a URL');
  notes.dropOthers(image, imageUrlKeys, `${path}.image_url`);
  const isKnownDetail = details.has(image.detail);
  if (!isKnownDetail && !isAbsent(image.detail)) notes.drop(`${path}.image_url.detail`);
  return { type: 'image_url', image_url: { url: image.url, ...(isKnownDetail && { detail: image.detail }) } };
}

/** OpenAI names the format beside the data; Mistral takes the data alone. */
function audioPart(part: JsonObject, param: string, notes: TranslationNotes): JsonObject {
  const audio = part.input_audio;
  notes.dropOthers(part, audioKeys, path);
  if (typeof audio === 'string') return { type: 'input_audio', input_audio: audio };
  if (!isObject(audio) || typeof audio.data !== 'string') throw invalid(`${param}.input_audio.data`, 'base64');
  notes.dropOthers(audio, audioDataKeys, `${path}.input_audio`);
  return { type: 'input_audio', input_audio: audio.data };
}

function filePart(part: JsonObject, param: string, notes: TranslationNotes): JsonObject {
  const { file } = part;
  notes.dropOthers(part, isObject(file) ? fileKeys : ownFileKeys, path);
  if (!isObject(file)) return storedFile(part.file_id, param, notes);
  notes.dropOthers(file, typeof file.file_data === 'string' ? fileDataKeys : fileIdKeys, `${path}.file`);
  if (typeof file.file_data !== 'string') return storedFile(file.file_id, param, notes);
  const url = documentUrl(file.file_data);
  if (url === null)
    throw notes.unsupported(`${param}.file.file_data`, 'only data URLs and PDFs are taken; send other text as text');
  return {
    type: 'document_url',
    document_url: url,
    ...(typeof file.filename === 'string' && { document_name: file.filename }),
  };
}

/** A data URL as it is; of a PDF's base64 it is made. */
function documentUrl(fileData: string): string | null {
  if (fileData.startsWith('data:')) return fileData;
  const pdf = fileDataFrom(fileData);
  return pdf && `data:${pdf.mimeType};base64,${pdf.base64}`;
}

function storedFile(fileId: unknown, param: string, notes: TranslationNotes): JsonObject {
  if (typeof fileId !== 'string') throw invalid(`${param}.file`, 'file_data or file_id');
  if (fileId.startsWith('file-'))
    throw notes.unsupported(`${param}.file.file_id`, 'a file kept at OpenAI is not readable elsewhere; send file_data');
  return { type: 'file', file_id: fileId };
}
