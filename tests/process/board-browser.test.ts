/** The board in a real browser: what an operator does when an event has failed. */
import { chromium, type Browser, type Page } from 'playwright-core';
import { sampleEvent, sampleId } from '../../src/clerk/samples/index.js';
import { BACKENDS, openBackend, queueSettings, waitForQueue } from '../support/backends.js';
import { findBrowser } from '../support/browser.js';
import { deliver, newMessageId } from '../support/clerk.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import {
  killAll,
  startBoard,
  startIngest,
  startWorker,
  type RunningProcess,
} from '../support/processes.js';
import { waitFor } from '../support/wait.js';

const CREDENTIALS = { username: 'operator', password: 'a-long-password' };

const executablePath = findBrowser();

describe.each(BACKENDS)('with the queue in %s', (kind) => {
  let database: TestDatabase;
  let browser: Browser | undefined;

  beforeEach(async () => {
    database = await createDatabase();
  });
  afterEach(async () => {
    await browser?.close();
    await killAll();
    await database.drop();
  });

  (executablePath ? test : test.skip)(
    'an operator logs in, sees why an event failed and not whose it is, retries it, and sees it done',
    async () => {
      const queue = queueSettings(kind);
      const settings = {
        DATABASE_URL: database.url,
        ...queue,
        BOARD_USERNAME: CREDENTIALS.username,
        BOARD_PASSWORD: CREDENTIALS.password,
      };
      const [ingest, board] = await Promise.all([
        startIngest(settings),
        startBoard(settings),
        startWorker(settings),
      ]);
      const [id, entityId] = [newMessageId(), sampleId('user')];
      await refuseUsers(database);
      await deliver(ingest.url, nameAda(entityId), id);
      const open = openBackend(queue, database).openQueue();
      try {
        await waitForQueue(open);
        await waitFor('the job to fail', async () => (await open.queue.getJob(id))?.isFailed());
      } finally {
        await open.close();
      }
      await database.query('DROP TRIGGER refuse ON clerk.users');

      browser = await chromium.launch({
        executablePath: executablePath ?? '',
        args: ['--no-sandbox'],
      });
      const stranger = await browser.newPage();
      await expect(stranger.goto(board.opsUrl)).rejects.toThrow('INVALID_AUTH_CREDENTIALS');
      const context = await browser.newContext({ httpCredentials: CREDENTIALS });
      const page = await context.newPage();
      const { requests, complaints } = watch(page);

      await page.goto(board.opsUrl);
      await page.getByRole('link', { name: 'clerk-webhooks' }).first().click();
      await page.getByRole('link', { name: /^FAILED/i }).click();
      await page.getByRole('link', { name: id }).click();
      await page
        .getByText(/SQLSTATE P0001/)
        .first()
        .waitFor();
      await page.getByRole('tab', { name: 'Data' }).click();
      await page.getByText(entityId).or(page.getByText('user.created')).first().waitFor();
      const expand = page.getByRole('button', { name: 'expand JSON' });
      while ((await expand.count()) > 0) await expand.first().click();
      const shown = await page.locator('main').innerText();
      for (const text of [id, entityId, 'user.created', 'first_name', '•••']) {
        expect(shown).toContain(text);
      }
      expect(shown).not.toMatch(/Ada|Lovelace|ada@example|salary|Countess/);

      await retry(page, board, id);
      await waitFor('the user', async () => {
        const rows = await database.query('SELECT 1 FROM clerk.users WHERE id = $1', [entityId]);
        return rows.length === 1;
      });
      await page.goto(`${board.opsUrl}/queues/queue/clerk-webhooks?status=completed`);
      await page.getByRole('link', { name: id }).waitFor();

      expect(requests.filter((url) => !url.startsWith(`${board.opsUrl}/`))).toEqual([]);
      expect(requests.length).toBeGreaterThan(10);
      expect(complaints).toEqual([]);
    },
    60_000,
  );
});

async function retry(page: Page, board: RunningProcess, id: string): Promise<void> {
  const url = `${board.opsUrl}/queues/api/queues/clerk-webhooks/${id}/retry`;
  const answer = page.waitForResponse((response) => response.url() === url);
  // Icons without names: the first of a failed job's is to retry it.
  await page.locator('main ul').first().getByRole('button').first().click();
  await page.getByRole('button', { name: 'Confirm' }).click();
  expect((await answer).status()).toBe(204);
}

/** What the page asks for, and what the browser holds against it. */
function watch(page: Page): { requests: string[]; complaints: string[] } {
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('requestfailed', (request) => {
    // A poll that a click interrupts is no trouble.
    const reason = request.failure()?.errorText;
    if (reason !== 'net::ERR_ABORTED') complaints.push(`${request.url()} ${reason}`);
  });
  return { requests, complaints };
}

async function refuseUsers({ query }: TestDatabase): Promise<void> {
  await query(`
    CREATE FUNCTION clerk.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused for a test'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON clerk.users FOR EACH ROW EXECUTE FUNCTION clerk.refuse()`);
}

function nameAda(entityId: string): object {
  const event = sampleEvent('user.created', { entityId });
  const person = {
    first_name: 'Ada',
    last_name: 'Lovelace',
    email_addresses: [{ id: 'idn_1', email_address: 'ada@example.com' }],
    unsafe_metadata: { salary: 4200, title: 'Countess' },
  };
  return { ...event, data: { ...event.data, ...person } };
}
