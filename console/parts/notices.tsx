import type { ComponentChildren } from 'preact';
import { failureText } from '../api/failure-text.ts';

/** What went wrong, and a way to go on. */
export function Problem({ error, retry }: { error: unknown; retry?: () => void }) {
  return (
    <div class="problem" role="alert">
      <p>{failureText(error)}</p>
      {retry && (
        <button type="button" class="button small" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Beside a value that is still shown: the looks fail at the moment. */
export function Stale({ error, retry }: { error: unknown; retry: () => void }) {
  return error === null ? null : (
    <div class="problem stale" role="alert">
      <p>{failureText(error)} What you see is of before; the page keeps trying.</p>
      <button type="button" class="button small" onClick={retry}>
        Try now
      </button>
    </div>
  );
}

/** Takes the room of what is to come, so that nothing jumps when it does. */
export function Loading({ what, lines = 6 }: { what: string; lines?: number }) {
  return (
    <div class="loading" role="status">
      <span class="unseen">Loading {what}.</span>
      {Array.from({ length: lines }, (_line, index) => (
        <div key={index} class="bone" />
      ))}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** A part of a page under its own heading. */
export function Section({
  title,
  aside,
  children,
}: {
  title: string;
  aside?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section aria-label={title}>
      <div class="section-head">
        <h2>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}
