import { useCallback, useMemo, useRef, useState } from 'preact/hooks';
import type { BatchCreation } from '../../lib/client/deployment/deployment.ts';
import { Deployment } from '../../lib/client/deployment/deployment.ts';
import { type Endpoint, endpoints } from '../../lib/records/endpoints.ts';
import { failureText } from '../api/failure-text.ts';
import { patientFetch } from '../api/patient-fetch.ts';
import { endpointOfTemplate, type Input, parsed, readInput } from '../api/read-input.ts';
import { bytesText, percentText } from '../format/numbers.ts';
import { oneLine, shown } from '../format/shown.ts';
import { announce } from '../parts/announcer.tsx';
import { goTo, linkTo } from '../routes.ts';
import { useSignedIn } from '../signed-in.ts';
import { useTitle } from '../use-title.ts';
import { Check } from './new/check.tsx';
import { OptionFields } from './new/option-fields.tsx';
import { optionsIn } from './new/option-list.ts';

/** What an upload is doing. */
type Upload = { sent: number; isLost: boolean } | null;

/** A lost connection comes back within the hour that an upload has, or the upload is begun again. */
const patientRetries = 100;

/** From a file to a batch: see what it would send and cost, then start it. */
export function NewBatchPage() {
  useTitle('New batch');
  const { deployment, apiKey } = useSignedIn();
  const [input, setInput] = useState<Input | null>(null);
  const [chosen, setChosen] = useState<Endpoint | ''>('');
  const [template, setTemplate] = useState('');
  const [given, setGiven] = useState<Record<string, string>>({});
  const [upload, setUpload] = useState<Upload>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [checkId, setCheckId] = useState<string | null>(null);
  const stored = useRef<{ file: File; fileId: string } | null>(null);
  const stop = useRef<AbortController | null>(null);

  const uploader = useMemo(() => {
    const setLost = (isLost: boolean) => setUpload((before) => before && { ...before, isLost });
    return new Deployment({ url: location.origin, apiKey, fetch: patientFetch(setLost), maxRetries: patientRetries });
  }, [apiKey]);

  const take = useCallback(async (file: File | undefined) => {
    if (!file) return;
    setProblem(null);
    setCheckId(null);
    try {
      const read = await readInput(file);
      setInput(read);
      setChosen(read.endpoint ?? '');
      announce(`${file.name} was chosen, ${bytesText(file.size)}.`);
    } catch (error) {
      setInput(null);
      setProblem(failureText(error));
    }
  }, []);

  const body = (): Omit<BatchCreation, 'input_file_id'> => {
    const read = input?.isTable ? parsed(template) : null;
    if (input?.isTable && read === null)
      throw new Error(
        'The template is no JSON object. It is one request, with placeholders such as {{text}} for columns.',
      );
    const endpoint = chosen || (read && endpointOfTemplate(read));
    if (!endpoint) throw new Error("Choose what the requests are for: the file's beginning does not say it.");
    return { ...optionsIn(given), ...(read && { template: read }), endpoint, completion_window: '24h' };
  };

  const fileIdOf = async ({ file }: Input, signal: AbortSignal): Promise<string> => {
    if (stored.current?.file === file) return stored.current.fileId;
    setUpload({ sent: 0, isLost: false });
    const onProgress = (sent: number) => setUpload((before) => before && { ...before, sent, isLost: false });
    const { id } = await uploader.uploadFile(file, { name: file.name, onProgress, signal });
    stored.current = { file, fileId: id };
    return id;
  };

  const create = async (isDryRun: boolean) => {
    if (!input) return;
    const control = new AbortController();
    stop.current = control;
    setBusy(true);
    setProblem(null);
    setCheckId(null);
    try {
      const asked = body();
      const fileId = await fileIdOf(input, control.signal);
      setUpload(null);
      const batch = await deployment.createBatch(
        { ...asked, ...(isDryRun && { dry_run: true }), input_file_id: fileId } as BatchCreation,
        { idempotencyKey: crypto.randomUUID(), signal: control.signal },
      );
      if (!isDryRun) return goTo(linkTo(['batches', batch.id]));
      setCheckId(batch.id);
    } catch (error) {
      setProblem(control.signal.aborted ? 'Stopped. Nothing was started.' : failureText(error));
    } finally {
      setUpload(null);
      setBusy(false);
    }
  };

  return (
    <>
      <div class="page-head">
        <h1>New batch</h1>
      </div>
      <DropZone input={input} take={take} />
      {problem !== null && (
        <div class="problem" role="alert">
          <p>{problem}</p>
        </div>
      )}
      {input !== null && (
        <>
          <Beginning input={input} />
          {input.isTable && <TemplateField columns={input.columns} template={template} setTemplate={setTemplate} />}
          <EndpointField input={input} chosen={chosen} setChosen={setChosen} />
          <OptionFields given={given} setGiven={setGiven} isTable={input.isTable} />
          {upload !== null && (
            <UploadProgress upload={upload} bytes={input.file.size} stop={() => stop.current?.abort()} />
          )}
          <div class="actions start">
            <button type="button" class="button primary" disabled={isBusy} onClick={() => create(true)}>
              Check it
            </button>
            <button type="button" class="button" disabled={isBusy} onClick={() => create(false)}>
              Start the batch
            </button>
            <p class="muted">A check validates every line, and says tokens and cost. Nothing is sent to a provider.</p>
          </div>
        </>
      )}
      {checkId !== null && <Check id={checkId} isBusy={isBusy} start={() => create(false)} />}
    </>
  );
}

function DropZone({ input, take }: { input: Input | null; take: (file: File | undefined) => Promise<void> }) {
  const [isOver, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void take(event.dataTransfer?.files[0]);
  };
  return (
    <label
      class={`drop ${isOver ? 'over' : ''} ${input ? 'taken' : ''}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <input
        type="file"
        accept=".jsonl,.csv,.tsv,.ndjson"
        onChange={({ currentTarget }) => {
          void take(currentTarget.files?.[0]);
        }}
      />
      {input === null ? (
        <>
          <strong>Drop a file here, or choose one</strong>
          <span class="muted">Requests as .jsonl, or a table: .csv, .tsv, .ndjson. Up to 8 GB.</span>
        </>
      ) : (
        <>
          <strong>
            <bdi>{oneLine(input.file.name, 200)}</bdi>
          </strong>
          <span class="muted">
            {bytesText(input.file.size)}, {input.isTable ? 'a table' : 'requests'}. Drop another one to take its place.
          </span>
        </>
      )}
    </label>
  );
}

function Beginning({ input }: { input: Input }) {
  return (
    <details>
      <summary>How it begins</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard has to reach it */}
      <pre class="json" tabIndex={0}>
        <bdi>{shown(input.beginning)}</bdi>
      </pre>
    </details>
  );
}

interface TemplateFieldProps {
  columns: readonly string[];
  template: string;
  setTemplate: (text: string) => void;
}

function TemplateField({ columns, template, setTemplate }: TemplateFieldProps) {
  return (
    <div class="field wide">
      <label for="template">Template</label>
      <textarea
        id="template"
        rows={8}
        spellcheck={false}
        value={template}
        placeholder={
          '{"body": {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Classify: {{text}}"}]}}'
        }
        onInput={({ currentTarget }) => setTemplate(currentTarget.value)}
        aria-describedby="template-help"
      />
      <p id="template-help" class="muted">
        One request as JSON, made again for each row. {columns.length > 0 && 'Columns: '}
        {columns.slice(0, 30).map((column) => (
          <code key={column}>{`{{${oneLine(column, 40)}}} `}</code>
        ))}
      </p>
    </div>
  );
}

interface EndpointFieldProps {
  input: Input;
  chosen: Endpoint | '';
  setChosen: (endpoint: Endpoint | '') => void;
}

function EndpointField({ input, chosen, setChosen }: EndpointFieldProps) {
  return (
    <div class="field">
      <label for="endpoint">What the requests are for</label>
      <select
        id="endpoint"
        value={chosen}
        onChange={({ currentTarget }) =>
          setChosen(endpoints.find((endpoint) => endpoint === currentTarget.value) ?? '')
        }
      >
        <option value="">{input.isTable ? 'as the template says' : 'choose'}</option>
        {endpoints.map((endpoint) => (
          <option key={endpoint} value={endpoint}>
            {endpoint}
          </option>
        ))}
      </select>
      {input.endpoint !== null && chosen === input.endpoint && <p class="muted">as its first request says</p>}
    </div>
  );
}

function UploadProgress({ upload, bytes, stop }: { upload: NonNullable<Upload>; bytes: number; stop: () => void }) {
  return (
    <div class="upload" role="status">
      <div
        class="progress"
        role="progressbar"
        aria-label="Upload"
        aria-valuemin={0}
        aria-valuemax={bytes}
        aria-valuenow={upload.sent}
        aria-valuetext={percentText(upload.sent, bytes) || '0%'}
      >
        <div class="done" style={{ width: `${(100 * upload.sent) / bytes}%` }} />
      </div>
      <p>
        {upload.isLost
          ? 'The connection is lost. The upload goes on by itself once it is back.'
          : `Uploading: ${bytesText(upload.sent)} of ${bytesText(bytes)}`}
      </p>
      <button type="button" class="button small" onClick={stop}>
        Stop
      </button>
    </div>
  );
}
