import { useState } from 'preact/hooks';
import { announce } from './announcer.tsx';

/** Puts a text into the clipboard. */
export function CopyButton({ text, what, label }: { text: string | (() => string); what: string; label?: string }) {
  const [said, setSaid] = useState<string | null>(null);
  const copy = async () => {
    const isCopied = await navigator.clipboard.writeText(typeof text === 'string' ? text : text()).then(
      () => true,
      () => false, // the browser was told not to
    );
    setSaid(isCopied ? 'copied' : 'not copied');
    announce(isCopied ? `Copied ${what}.` : `The browser does not let ${what} be copied.`);
    setTimeout(() => setSaid(null), 1_500);
  };
  return (
    <button
      type="button"
      class={label === undefined ? 'copy' : 'button small'}
      onClick={copy}
      {...(label === undefined && { 'aria-label': `Copy ${what}` })}
    >
      {said ?? label ?? 'copy'}
    </button>
  );
}
