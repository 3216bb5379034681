import { exactBody } from '../../../lines/exact-body.ts';
import type { RequestLine } from '../../../lines/request-line.ts';
import type { Provider, RequestTarget, TranslatedRequest, Warning } from '../../contract.ts';
import { refusalFrom } from '../chat/translated-request.ts';
import { chatLine } from './chat-line.ts';
import type { ChatDraft, Form } from './form.ts';
import { LineNotes } from './notes.ts';

/**
 * Makes a chat completion of a line, and of that what the provider takes.
 *
 * @param translate takes chat completions.
 */
export function throughChat(
  translate: Provider['translateRequest'],
  form: Form,
  request: RequestLine,
  target: RequestTarget,
): TranslatedRequest {
  const notes = new LineNotes(request.format === 'openai' ? 'body' : 'params');
  try {
    const draft = form.chatFrom(exactBody(request), notes);
    const translated = translate(chatLine(request, draft.body), target);
    return inOwnPlaces(translated, { form, draft, notes });
  } catch (error) {
    return { ok: false, error: refusalFrom(error, notes.root) };
  }
}

interface Translation {
  form: Form;
  draft: ChatDraft;
  notes: LineNotes;
}

/** What the provider says of the chat completion is said of the line that the customer wrote. */
function inOwnPlaces(translated: TranslatedRequest, translation: Translation): TranslatedRequest {
  if (!translated.ok) return { ok: false, error: replaced(translated.error, translation) };
  for (const warning of translated.warnings) translation.notes.add(replaced<Warning>(warning, translation));
  return { ...translated, warnings: translation.notes.warnings };
}

function replaced<Said extends { param: string | null; message: string }>(said: Said, translation: Translation): Said {
  const { param, message } = said;
  if (param === null || !param.startsWith('body.')) return said;
  const own = translation.notes.param(ownPlace(param.slice('body.'.length), translation));
  return { ...said, param: own, message: message.replaceAll(`'${param}'`, `'${own}'`) };
}

function ownPlace(place: string, { form, draft }: Translation): string {
  const message = /^messages\[(\d+)\]/.exec(place);
  if (message) return draft.origins[Number(message[1])] ?? place;
  const found = form.places.find(([pattern]) => pattern.test(place));
  return found ? place.replace(found[0], found[1]) : place;
}
