import { useEffect, useRef, useState } from 'preact/hooks';

interface FilterInputProps {
  label: string;
  value: string;
  placeholder?: string;
  type?: 'search' | 'date';
  /** Called once nobody types any more. */
  put: (value: string) => void;
}

const quietMilliseconds = 300;

/** A field that narrows down what is shown, a moment after the last key. */
export function FilterInput({ label, value, placeholder, type = 'search', put }: FilterInputProps) {
  const [text, setText] = useState(value);
  const latestPut = useRef(put);
  latestPut.current = put;
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text.trim() === value) return undefined;
    const timer = setTimeout(() => latestPut.current(text.trim()), quietMilliseconds);
    return () => clearTimeout(timer);
  }, [text, value]);
  return (
    <label>
      <span>{label}</span>
      <input
        {...(type === 'date' ? { type } : { type })}
        placeholder={placeholder ?? ''}
        value={text}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
    </label>
  );
}

interface FilterChoiceProps {
  label: string;
  value: string;
  choices: readonly (readonly [value: string, label: string])[];
  put: (value: string) => void;
}

export function FilterChoice({ label, value, choices, put }: FilterChoiceProps) {
  return (
    <label>
      <span>{label}</span>
      <select value={value} onChange={({ currentTarget }) => put(currentTarget.value)}>
        {choices.map(([choice, said]) => (
          <option key={choice} value={choice}>
            {said}
          </option>
        ))}
      </select>
    </label>
  );
}
