/** What tutorials have as an endpoint: Express, svix, and `queue.add` with nothing else. A second delivery becomes a second job. */
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { receiveEvents } from './receive-events.js';

const { REDIS_URL = '', QUEUE_PREFIX = '', CLERK_WEBHOOK_SIGNING_SECRET = '' } = process.env;

const connection = new Redis(REDIS_URL, { maxRetriesPerRequest: null });
const queue = new Queue('clerk-webhooks', { connection, prefix: QUEUE_PREFIX });
await queue.waitUntilReady();

receiveEvents(CLERK_WEBHOOK_SIGNING_SECRET, (event) => queue.add(event.type, event));
