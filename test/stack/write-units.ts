type Attribute = Record<string, unknown>;
type Item = Record<string, Attribute>;

const unitBytes = 1_024;

/**
 * The write request units of one request, indexes included: `byTenant` holds whole items and is written with each of
 * them; `unfinished` holds keys, and is written when a batch enters it and when it leaves.
 *
 * Source: DynamoDB developer guide, "Item sizes and formats" and "Throughput considerations for global secondary indexes".
 */
export function writeUnitsOf(operation: string, body: Buffer): number {
  if (operation === 'UpdateItem') return 1; // the semaphores' small items
  if (operation !== 'PutItem') return 0;
  const { Item: item = {} }: { Item?: Item } = JSON.parse(body.toString('utf8'));
  const units = Math.ceil(bytesOf(item) / unitBytes);
  const isBatch = item.sk?.S === 'batch';
  const isCreated = item.version?.N === '0';
  const entersOrLeaves = isBatch && (isCreated || !('unfinishedKey' in item));
  return units + ('tenantKey' in item ? units : 0) + (entersOrLeaves ? 1 : 0);
}

function bytesOf(item: Item): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value), 0);
}

function valueBytes(attribute: Attribute): number {
  const [[type, value] = ['NULL', true]] = Object.entries(attribute);
  if (type === 'S') return Buffer.byteLength(String(value));
  if (type === 'N') return Math.ceil(String(value).length / 2) + 1;
  if (type === 'L') return (value as Attribute[]).reduce((sum, one) => sum + 1 + valueBytes(one), 3);
  if (type === 'M') return 3 + Object.keys(value as Item).length + bytesOf(value as Item);
  return 1;
}
