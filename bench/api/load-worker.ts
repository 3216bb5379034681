import { parentPort, workerData } from 'node:worker_threads';
import { runLoad } from './connection-load.ts';

parentPort?.postMessage(await runLoad(workerData));
