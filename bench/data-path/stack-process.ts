import { startLocalStack } from '../../local/runtime.ts';

// A whole local stack in a process of its own: node stack-process.ts DATA_FOLDER OPENAI_URL ANTHROPIC_URL

const [dataDir = '', openaiUrl = '', anthropicUrl = ''] = process.argv.slice(2);
const stack = await startLocalStack({
  dataDir,
  simulators: { openai: openaiUrl, anthropic: anthropicUrl },
  simulateAll: true,
});
process.once('SIGTERM', async () => {
  await stack.close();
  process.exit(0);
});
console.log(JSON.stringify({ s3Url: stack.s3Url, bucket: stack.bucket }));
