/** A server in a process of its own, for tests that kill it: prints its URL, then the key of each event. */
import { startLocalS3 } from '../../../local/s3/server.ts';

const [, , dataDir = ''] = process.argv;
const { url } = await startLocalS3({
  dataDir,
  buckets: ['drop'],
  onObjectCreated: async (event) => console.log(event.detail.object.key),
});
console.log(url);
