import type { FilePart, ImagePart, InputPart, SpokenPart } from '../shared/chat/chat-request.ts';
import { fileDataFrom, inlineDataFrom } from '../shared/chat/data-url.ts';
import { foreignPart, spokenTexts } from '../shared/chat/spoken-texts.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';

/**
 * Parts of a chat message -> content blocks. Source: https://platform.claude.com/docs/en/api/messages and @anthropic-ai/sdk
 * 1.11 `ContentBlockParam`.
 */

export interface MessageText {
  type: 'text';
  text: string;
}

interface MessageImage {
  type: 'image';
  source: { type: 'base64'; media_type: string; data: string } | { type: 'url'; url: string };
}

interface MessageDocument {
  type: 'document';
  source: { type: 'base64'; media_type: 'application/pdf'; data: string };
  title?: string;
}

export type MessageInput = MessageText | MessageImage | MessageDocument;

/** Text, images and PDFs of a user's message, in their order. */
export function inputBlocks(content: string | readonly InputPart[], notes: TranslationNotes): MessageInput[] {
  if (typeof content === 'string') return textBlocks(content);
  return content.flatMap((part) => inputBlock(part, notes));
}

/** The texts of a message of any other role. */
export function spokenBlocks(content: string | readonly SpokenPart[] | null): MessageText[] {
  return spokenTexts(content).map((text) => ({ type: 'text', text }));
}

/** Empty texts, which Anthropic refuses, say nothing. */
function textBlocks(text: string): MessageText[] {
  return text === '' ? [] : [{ type: 'text', text }];
}

function inputBlock(part: InputPart, notes: TranslationNotes): MessageInput[] {
  switch (part.type) {
    case 'text':
      return textBlocks(part.text);
    case 'image':
      return [{ type: 'image', source: imageSource(part, notes) }];
    case 'file':
      return [documentBlock(part, notes)];
    case 'audio':
      throw notes.unsupported(part.param, 'send a transcript of the audio');
    case 'own':
      return foreignPart(part, "'text', 'image_url' or 'file'");
  }
}

const mediaTypes = new Map([
  ['image/jpeg', 'image/jpeg'],
  ['image/jpg', 'image/jpeg'],
  ['image/png', 'image/png'],
  ['image/gif', 'image/gif'],
  ['image/webp', 'image/webp'],
]);

function imageSource({ url, param }: ImagePart, notes: TranslationNotes): MessageImage['source'] {
  if (/^https?:\/\//i.test(url)) return { type: 'url', url };
  const inline = inlineDataFrom(url);
  if (!inline) throw invalid(`${param}.image_url.url`, 'an http(s) URL or a base64 data URL');
  const mediaType = mediaTypes.get(inline.mimeType);
  if (!mediaType) throw notes.unsupported(`${param}.image_url.url`, 'convert the image to JPEG, PNG, GIF or WebP');
  return { type: 'base64', media_type: mediaType, data: inline.base64 };
}

function documentBlock({ data, name, param }: FilePart, notes: TranslationNotes): MessageDocument {
  if (data === null)
    throw notes.unsupported(`${param}.file.file_id`, 'a file kept at OpenAI is not readable elsewhere; send file_data');
  const inline = fileDataFrom(data);
  if (inline?.mimeType !== 'application/pdf')
    throw notes.unsupported(`${param}.file.file_data`, 'only PDFs are taken; send other text as text');
  return {
    type: 'document',
    source: { type: 'base64', media_type: 'application/pdf', data: inline.base64 },
    ...(name !== '' && { title: name }),
  };
}
