/** Express that reads the body and answers: what HTTP alone costs. Verifies nothing, keeps nothing. */
import express from 'express';
import { announcePort } from './receive-events.js';

const app = express();
const readBody = express.raw({ type: 'application/json', limit: '1mb' });
app.post('/api/webhooks', readBody, (_request, response) => {
  response.json({ received: true });
});
announcePort(app);
