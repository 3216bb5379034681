import { exactBody } from '../../../lines/exact-body.ts';
import { isAbsent } from '../../../lines/foreign-json.ts';
import type { RequestLine } from '../../../lines/request-line.ts';
import type { JsonObject } from '../../../records/json.ts';
import type { ChatModel, Provider, RequestTarget, TranslatedRequest, Warning } from '../../contract.ts';
import { refusalFrom } from '../chat/translated-request.ts';
import { chatLine } from './chat-line.ts';
import type { ChatDraft, Form } from './form.ts';
import { LineNotes } from './notes.ts';

/**
 * Makes a chat completion of a line, and of that what the provider takes.
 *
 * @param translate takes chat completions.
 * @param chatModel what is known of models that get them as they are; absent where they are translated further.
 */
export function throughChat(
  translate: Provider['translateRequest'],
  form: Form,
  request: RequestLine,
  target: RequestTarget,
  chatModel?: Provider['chatModel'],
): TranslatedRequest {
  const notes = new LineNotes(request.format === 'openai' ? 'body' : 'params');
  try {
    const draft = form.chatFrom(exactBody(request), notes);
    const body = chatModel ? bodyFor(chatModel(target.model), draft, target, notes) : draft.body;
    const translated = translate(chatLine(request, body), target);
    return inOwnPlaces(translated, { form, draft, notes });
  } catch (error) {
    return { ok: false, error: refusalFrom(error, notes.root) };
  }
}

/**
 * The body as a model takes it that gets it as it is. To models that do not think, "no thinking" is an unknown parameter, and
 * some that do think have no such effort.
 */
function bodyFor(
  known: ChatModel | null,
  draft: ChatDraft,
  { model, modelRules = 'enforce' }: RequestTarget,
  notes: LineNotes,
): JsonObject {
  const { reasoning_effort: effort, ...others } = draft.body;
  if (known && modelRules === 'enforce')
    for (const name of known.refuses)
      if (!isAbsent(draft.body[name]))
        throw notes.refused(
          name,
          `'${model}' does not take it: leave it out. Source: ${known.source}, read ${known.read}; 'model_rules' of the account lifts this.`,
        );
  if (!draft.asksForNoThinking || known?.takesNone) return draft.body;
  if (known) notes.drop('thinking', `'${model}' always thinks`);
  return effort === 'none' ? others : draft.body;
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
  const found = [...(draft.places ?? []), ...form.places].find(([pattern]) => pattern.test(place));
  return found ? place.replace(found[0], found[1]) : place;
}
