import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { failureText } from '../api/failure-text.ts';

interface ConfirmButtonProps {
  label: string;
  /** What is asked. */
  question: string;
  /** What comes of it. */
  children: ComponentChildren;
  tone?: 'plain' | 'danger';
  act: () => Promise<void>;
}

/** A button that asks before it acts, and stays open with the reason where it could not. */
export function ConfirmButton({ label, question, children, tone = 'plain', act }: ConfirmButtonProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isActing, setActing] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const confirm = async () => {
    setActing(true);
    setError(null);
    try {
      await act();
      dialog.current?.close();
    } catch (failure) {
      setError(failure);
    } finally {
      setActing(false);
    }
  };
  return (
    <>
      <button type="button" class={`button ${tone}`} onClick={() => dialog.current?.showModal()}>
        {label}
      </button>
      <dialog ref={dialog} aria-label={question}>
        <h2>{question}</h2>
        {children}
        {error !== null && (
          <p class="problem" role="alert">
            {failureText(error)}
          </p>
        )}
        <div class="actions">
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            Back
          </button>
          <button type="button" class={`button primary ${tone}`} disabled={isActing} onClick={confirm}>
            {label}
          </button>
        </div>
      </dialog>
    </>
  );
}
