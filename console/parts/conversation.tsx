import { useState } from 'preact/hooks';
import type { Piece, Turn } from '../format/conversation.ts';
import { bytesText } from '../format/numbers.ts';
import { shown } from '../format/shown.ts';

/** More would make the page slow; the rest is shown when somebody asks. */
const maxCharacters = 20_000;

/** What was said, turn by turn: as text, whatever it says. */
export function Conversation({ turns }: { turns: readonly Turn[] }) {
  return (
    <ol class="turns">
      {turns.map(({ role, pieces }, index) => (
        <li key={index}>
          <p class="role">
            <bdi>{shown(role)}</bdi>
          </p>
          {pieces.map((piece, place) => (
            <PieceView key={place} piece={piece} />
          ))}
        </li>
      ))}
    </ol>
  );
}

function PieceView({ piece }: { piece: Piece }) {
  if (piece.kind === 'text') return <LongText text={piece.text} kind="text" />;
  // The source is a data URI of a picture, which the page's policy allows, and nothing else.
  if (piece.kind === 'image') return <img src={piece.source} alt="Part of this request or answer" class="picture" />;
  return (
    <>
      {piece.title !== '' && <p class="piece-title">{shown(piece.title)}</p>}
      <LongText text={jsonText(piece.value)} kind="json" />
    </>
  );
}

/** JSON within a string, as arguments of tools are, is written out. */
function jsonText(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value, null, 2) ?? '';
  try {
    return JSON.stringify(JSON.parse(value), null, 2);
  } catch {
    return value;
  }
}

/** A text of any length, its beginning first. */
export function LongText({ text, kind }: { text: string; kind: 'text' | 'json' }) {
  const [isWhole, setWhole] = useState(false);
  const cut = !isWhole && text.length > maxCharacters;
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard has to reach it */}
      <pre class={kind} tabIndex={0}>
        <bdi>{shown(cut ? text.slice(0, maxCharacters) : text)}</bdi>
      </pre>
      {cut && (
        <button type="button" class="button small" onClick={() => setWhole(true)}>
          Show all {bytesText(text.length)}
        </button>
      )}
    </>
  );
}
