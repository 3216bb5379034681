import { type OptionField, optionFields } from './option-list.ts';

interface OptionFieldsProps {
  given: Readonly<Record<string, string>>;
  setGiven: (given: Record<string, string>) => void;
  isTable: boolean;
}

/** What may be said about a batch, with what each of it does. */
export function OptionFields({ given, setGiven, isTable }: OptionFieldsProps) {
  const fields = optionFields.filter(({ isOfTable = false }) => isTable || !isOfTable);
  const put = (name: string, value: string) => setGiven({ ...given, [name]: value });
  const list = (isUsual: boolean) =>
    fields
      .filter((field) => (field.isUsual ?? false) === isUsual)
      .map((field) => <Field key={field.name} field={field} value={given[field.name] ?? ''} put={put} />);
  return (
    <>
      <div class="option-grid">{list(true)}</div>
      <details>
        <summary>More options</summary>
        <div class="option-grid">{list(false)}</div>
      </details>
    </>
  );
}

interface FieldProps {
  field: OptionField;
  value: string;
  put: (name: string, value: string) => void;
}

function Field({ field, value, put }: FieldProps) {
  const id = `option-${field.name}`;
  return (
    <div class="field">
      <label for={id}>{field.label}</label>
      <Control id={id} field={field} value={value} put={put} />
      <p id={`${id}-help`} class="muted">
        {field.help}
      </p>
    </div>
  );
}

function Control({ id, field: { name, form }, value, put }: FieldProps & { id: string }) {
  const shared = { id, 'aria-describedby': `${id}-help` };
  switch (form.kind) {
    case 'number':
      return (
        <input
          {...shared}
          type="number"
          min={form.min}
          step={form.step}
          value={value}
          onInput={({ currentTarget }) => put(name, currentTarget.value)}
        />
      );
    case 'text':
      return (
        <input
          {...shared}
          type="text"
          placeholder={form.placeholder}
          value={value}
          onInput={({ currentTarget }) => put(name, currentTarget.value)}
        />
      );
    case 'labels':
      return (
        <textarea
          {...shared}
          rows={2}
          placeholder={form.placeholder}
          value={value}
          onInput={({ currentTarget }) => put(name, currentTarget.value)}
        />
      );
    case 'check':
      return (
        <input
          {...shared}
          type="checkbox"
          checked={value === 'true'}
          onChange={({ currentTarget }) => put(name, currentTarget.checked ? 'true' : '')}
        />
      );
    case 'choice':
      return (
        <select {...shared} value={value} onChange={({ currentTarget }) => put(name, currentTarget.value)}>
          {form.values.map(([choice, label]) => (
            <option key={choice} value={choice}>
              {label}
            </option>
          ))}
        </select>
      );
  }
}
