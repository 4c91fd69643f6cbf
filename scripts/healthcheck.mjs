// The image's HEALTHCHECK: exit code 0 when the process of this container, be it ingest, worker or board, says on /healthz that it is alive.
const { OPS_HOST, BOARD_HOST, INGEST_OPS_PORT, WORKER_OPS_PORT, BOARD_PORT } = process.env;

const PLACES = [
  [OPS_HOST, INGEST_OPS_PORT || 4001],
  [OPS_HOST, WORKER_OPS_PORT || 4002],
  [BOARD_HOST, BOARD_PORT || 4003],
];
const WILDCARDS = ['', '0.0.0.0', '::'];

try {
  // One process runs in a container, so that one of the three answers.
  await Promise.any(PLACES.map(([host = '', port]) => ask(toAddress(host), port)));
} catch (error) {
  console.error(error.errors.map(({ message }) => message).join('\n'));
  process.exitCode = 1;
}

async function ask(address, port) {
  const url = `http://${address}:${port}/healthz`;
  const answer = await fetch(url).catch((error) => {
    throw new Error(`${url}: ${error.cause?.message ?? error.message}`);
  });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
}

function toAddress(host) {
  if (WILDCARDS.includes(host)) return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
