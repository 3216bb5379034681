import { useEffect, useState } from 'preact/hooks';

const announced = new EventTarget();

/** Says something to people who hear the page. */
export function announce(text: string): void {
  announced.dispatchEvent(new CustomEvent('said', { detail: text }));
}

/** The place that is read aloud when it changes. */
export function Announcer() {
  const [text, setText] = useState('');
  useEffect(() => {
    const hear = (event: Event) => {
      if (event instanceof CustomEvent) setText(String(event.detail));
    };
    announced.addEventListener('said', hear);
    return () => announced.removeEventListener('said', hear);
  }, []);
  return (
    <div class="unseen" role="status" aria-live="polite">
      {text}
    </div>
  );
}
