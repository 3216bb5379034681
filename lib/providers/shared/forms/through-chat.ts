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
    const known = chatModel?.(target.model) ?? null;
    const translation = { form, draft, notes };
    if (known) judgeRefused(known, translation, target);
    const body = chatModel ? bodyFor(known, draft, target, notes) : draft.body;
    const translated = translate(chatLine(request, body), target);
    return inOwnPlaces(translated, translation);
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
  if (!draft.asksForNoThinking || known?.takesNone) return draft.body;
  if (known && modelRules !== 'enforce') {
    if (modelRules === 'warn') warnOf('thinking', `'${model}' always thinks`, known, notes);
    return draft.body;
  }
  if (known) notes.drop('thinking', `'${model}' always thinks`);
  return effort === 'none' ? others : draft.body;
}

/** What the model is known to answer with an error is refused, or named, as the account's rules say. */
function judgeRefused(known: ChatModel, translation: Translation, { model, modelRules = 'enforce' }: RequestTarget) {
  const { draft, notes } = translation;
  if (modelRules === 'off') return;
  for (const name of known.refuses) {
    if (isAbsent(draft.body[name])) continue;
    const place = ownPlace(name, translation);
    const what = `'${model}' does not take it`;
    if (modelRules === 'enforce') throw notes.refused(place, `${what}: leave it out. ${sourceOf(known)}`);
    warnOf(place, what, known, notes);
  }
}

function warnOf(place: string, what: string, known: ChatModel, notes: LineNotes): void {
  const param = notes.param(place);
  const message = `'${param}' goes as it is written, but ${what}. ${sourceOf(known)}`;
  notes.add({ param, code: 'model_rule', message });
}

function sourceOf({ source, read }: ChatModel): string {
  return `Source: ${source}, read ${read}; 'model_rules' of the account lifts this.`;
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
