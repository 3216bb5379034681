import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from '../../cdk/packages.ts';
import type { FunctionName } from '../../lib/records/function-timeouts.ts';

/**
 * The AWS calls that a handler can make, such as `GetObject` or `Query on unfinished`: what the methods of stores send
 * that stand in its bundle, after esbuild dropped what the handler does not reach.
 */
export async function awsCallsOf(name: FunctionName, isOnBedrock = false): Promise<string[]> {
  const code = await ownCodeOf(name);
  const calls = new Set<string>();
  for (const [field, store] of storesOfServices())
    for (const method of methodsUsedOn(field, code)) for (const call of store.callsOf(method)) calls.add(call);
  if (callsProvider.test(code)) calls.add('GetSecretValue');
  if (isOnBedrock)
    for (const method of [
      ...methodsUsedOn('client', code),
      ...methodsUsedOn('account', code),
      ...methodsUsedOn('live', code),
    ])
      for (const call of bedrockCallsOf(method)) calls.add(call);
  return [...calls].toSorted();
}

/** Which permission a call needs. */
export const actionOfCall: Record<string, string> = {
  DescribeTable: 'dynamodb:DescribeTable',
  Get: 'dynamodb:GetItem',
  Put: 'dynamodb:PutItem',
  Update: 'dynamodb:UpdateItem',
  Delete: 'dynamodb:DeleteItem',
  Query: 'dynamodb:Query',
  'Query on unfinished': 'dynamodb:Query on unfinished',
  'Query on byTenant': 'dynamodb:Query on byTenant',
  HeadObject: 's3:GetObject',
  GetObject: 's3:GetObject',
  PutObject: 's3:PutObject',
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  UploadPartCopy: 's3:PutObject', // of its source s3:GetObject
  CompleteMultipartUpload: 's3:PutObject',
  AbortMultipartUpload: 's3:AbortMultipartUpload',
  DeleteObjects: 's3:DeleteObject',
  ListObjectsV2: 's3:ListBucket',
  StartExecution: 'states:StartExecution',
  DescribeExecution: 'states:DescribeExecution',
  SendTaskSuccess: 'states:SendTaskSuccess',
  SendTaskFailure: 'states:SendTaskFailure',
  PutEvents: 'events:PutEvents',
  GetSecretValue: 'secretsmanager:GetSecretValue',
  CreateModelInvocationJob: 'bedrock:CreateModelInvocationJob', // of its role iam:PassRole
  GetModelInvocationJob: 'bedrock:GetModelInvocationJob',
  ListModelInvocationJobs: 'bedrock:ListModelInvocationJobs',
  StopModelInvocationJob: 'bedrock:StopModelInvocationJob',
  InvokeModel: 'bedrock:InvokeModel',
  Converse: 'bedrock:InvokeModel',
};

/** A provider's client asks for its key; the pure half of a provider does not. */
const callsProvider =
  /\b((?:client|account)\.(check|upload|create|findLost|retrieve|cancel|results)|account\(\w+\)\.check|live\.call)\(/;

/** What Bedrock's clients send: commands of their own, and what they do with our bucket. */
function bedrockCallsOf(method: string): string[] {
  const files = ['client.ts', 'live.ts'].map((file) => join(root, 'lib/providers/bedrock', file));
  const source = files.map((file) => readFileSync(file, 'utf8')).join('\n');
  return new Store(source.replace("Workplace['objects']", 'Objects'), storeClasses()).callsOf(method);
}

/** What the handler reaches of lambdas, pipeline and core; stores, providers and packages stay outside. */
async function ownCodeOf(name: FunctionName): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [`lambdas/${name}.ts`],
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    write: false,
    plugins: [
      {
        name: 'outside',
        setup: ({ onResolve }) => {
          onResolve({ filter: /\/(store|providers)\/.+\.ts$/ }, ({ path }) => ({ path, external: true }));
        },
      },
    ],
  });
  const [bundle] = outputFiles;
  if (!bundle) throw new Error(`esbuild gave no bundle of ${name}.`);
  return bundle.text;
}

/** As `services.objects.head(` or `this.#records.getBatch(`. */
function methodsUsedOn(field: string, code: string): string[] {
  const calls = code.matchAll(new RegExp(`\\b${field}(?:\\(\\w+\\))?\\.(\\w+)\\(`, 'g'));
  return [...new Set([...calls].map(([, method = '']) => method))];
}

/** The stores by their names in Services, which has them as `objects: Objects.connect(` or `records: new Records(table)`, by the client that stores share. */
function storesOfServices(): [string, Store][] {
  const source = readFileSync(join(root, 'lib/pipeline/services.ts'), 'utf8');
  const classes = storeClasses();
  const fields = [...source.matchAll(/^ +(\w+): (?:new )?(\w+)(?:\.connect\(|\((?:table|stepFunctions)\b)/gm)];
  if (fields.length < 8) throw new Error('The stores of Services were not found.');
  return fields.map(([, field = '', name = '']) => [field, storeNamed(name, classes)]);
}

function storeNamed(name: string, classes: Map<string, Store>): Store {
  const found = classes.get(name);
  if (!found) throw new Error(`There is no class ${name} in lib/store.`);
  return found;
}

function storeClasses(): Map<string, Store> {
  const folder = join(root, 'lib/store');
  const classes = new Map<string, Store>();
  for (const file of readdirSync(folder)) {
    const source = readFileSync(join(folder, file), 'utf8');
    for (const [body, name = ''] of source.matchAll(/^(?:export )?class (\w+)[\s\S]*?^}/gm))
      classes.set(name, new Store(body, classes));
  }
  return classes;
}

/** A class of lib/store by its source. */
class Store {
  readonly #classes: Map<string, Store>;
  readonly #bodies = new Map<string, string>();
  /** Classes of its fields. */
  readonly #fields: Map<string, string>;

  constructor(source: string, classes: Map<string, Store>) {
    this.#classes = classes;
    this.#fields = new Map(
      [...source.matchAll(/^ {2}readonly #(\w+): (\w+);/gm)].map(([, field = '', type = '']) => [field, type]),
    );
    const starts = [...source.matchAll(/^ {2}(?:static )?(?:async )?\*?(#?\w+)(?:<.*)?\(/gm)];
    for (const [place, start] of starts.entries())
      this.#bodies.set(start[1] ?? '', source.slice(start.index, starts[place + 1]?.index));
  }

  /** The commands that a method sends, by itself and through the methods it calls. */
  callsOf(method: string, seen = new Set<string>()): string[] {
    const body = this.#bodies.get(method);
    if (body === undefined || seen.has(method)) return [];
    seen.add(method);
    const own = [...body.matchAll(/\bnew (\w+)Command\(|\bpaginate(\w+)\(/g)].map(
      ([, one, paged]) => one ?? paged ?? '',
    );
    const calls = [...own, ...this.#ownCalls(body, seen), ...this.#callsOfFields(body), ...this.#callsOfMade(body)];
    const index = body.match(/table\.indexes\.(\w+)\.name/)?.[1];
    return calls.map((call) => (call === 'Query' && index !== undefined ? `Query on ${index}` : call));
  }

  /** All calls that a client can make, for code that is given an instance. */
  allCalls(): string[] {
    return [...this.#bodies.keys()].flatMap((method) => this.callsOf(method));
  }

  #ownCalls(body: string, seen: Set<string>): string[] {
    return [...body.matchAll(/this\.(#?\w+)(?:<[^(]*>)?\(/g)].flatMap(([, method = '']) => this.callsOf(method, seen));
  }

  #callsOfFields(body: string): string[] {
    return [...body.matchAll(/this\.#(\w+)\.(\w+)\(/g)].flatMap(([, field = '', method = '']) => {
      const type = this.#fields.get(field) ?? '';
      return this.#classes.get(type)?.callsOf(method) ?? [];
    });
  }

  #callsOfMade(body: string): string[] {
    return [...body.matchAll(/new (\w+)\(/g)].flatMap(([, name = '']) => this.#classes.get(name)?.allCalls() ?? []);
  }
}
