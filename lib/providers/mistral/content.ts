import type { JsonObject } from '../../records/json.ts';
import type { FilePart, InputPart, SpokenPart } from '../shared/chat/chat-request.ts';
import { fileDataFrom } from '../shared/chat/data-url.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';

/** Parts of a chat message -> Mistral's chunks. Source: @mistralai/mistralai 2.7 `ContentChunk`. */

type ChunkContent = string | JsonObject[];

/** The content of a message, as Mistral takes it. */
export function contentFrom(
  content: string | readonly (InputPart | SpokenPart)[],
  param: string,
  notes: TranslationNotes,
): ChunkContent {
  if (typeof content === 'string') return content;
  if (content.length === 0) throw invalid(`${param}.content`, 'some content');
  return content.map((part) => chunkFrom(part, notes));
}

function chunkFrom(part: InputPart, notes: TranslationNotes): JsonObject {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text };
    case 'image':
      return {
        type: 'image_url',
        image_url: { url: part.url, ...(part.detail !== null && { detail: part.detail }) },
      };
    case 'audio':
      // OpenAI names the format beside the data; Mistral takes the data alone.
      return { type: 'input_audio', input_audio: part.base64 };
    case 'file':
      return fileChunk(part, notes);
    case 'own':
      return isFileOfOpenAI(part.value.file_id) ? keptAtOpenAI(`${part.param}.file_id`, notes) : part.value;
  }
}

function fileChunk(part: FilePart, notes: TranslationNotes): JsonObject {
  if (part.data === null) return storedFile(part, notes);
  const url = documentUrl(part.data);
  if (url === null)
    throw notes.unsupported(
      `${part.param}.file.file_data`,
      'only data URLs and PDFs are taken; send other text as text',
    );
  return { type: 'document_url', document_url: url, ...(part.name !== '' && { document_name: part.name }) };
}

/** A data URL as it is; of a PDF's base64 it is made. */
function documentUrl(fileData: string): string | null {
  if (fileData.startsWith('data:')) return fileData;
  const pdf = fileDataFrom(fileData);
  return pdf && `data:${pdf.mimeType};base64,${pdf.base64}`;
}

function storedFile({ id, param }: FilePart, notes: TranslationNotes): JsonObject {
  if (id === null) throw invalid(`${param}.file`, 'file_data or file_id');
  return isFileOfOpenAI(id) ? keptAtOpenAI(`${param}.file.file_id`, notes) : { type: 'file', file_id: id };
}

function isFileOfOpenAI(id: unknown): boolean {
  return typeof id === 'string' && id.startsWith('file-');
}

function keptAtOpenAI(param: string, notes: TranslationNotes): never {
  throw notes.unsupported(param, 'a file kept at OpenAI is not readable elsewhere; send file_data');
}
