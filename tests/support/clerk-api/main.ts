/** The server as a process of its own: options as JSON in the first argument, one line of JSON once it listens. */
import { type ClerkApiOptions, startClerkApi } from './start-clerk-api.js';

const options = JSON.parse(process.argv[2] ?? '{}') as ClerkApiOptions; // of spawn-clerk-api.ts, or typed by hand
const { url, secretKey, instance } = await startClerkApi(options);
console.log(JSON.stringify({ url, secretKey, instanceId: instance.id }));
