import { isLoopback, readBoardAccess } from '../../src/board-access.js';

const LONG = 'twelve-chars';

function read(host: string, username?: string, password?: string) {
  return readBoardAccess({
    BOARD_HOST: host,
    BOARD_USERNAME: username,
    BOARD_PASSWORD: password,
  });
}

test.each(['127.0.0.1', '127.8.9.10', '::1', 'localhost', 'LOCALHOST'])(
  '%s is this machine alone, and needs no credentials',
  (host) => {
    expect(isLoopback(host)).toBe(true);
    expect(read(host)).toBeNull();
    expect(read(host, 'ada', 'short')).toEqual({ username: 'ada', password: 'short' });
  },
);

test.each([
  '0.0.0.0',
  '::',
  '10.0.0.7',
  '192.168.1.127',
  '128.0.0.1',
  '127.example.com',
  '127.1',
  'localhost.example.com',
  'board.example.com',
])('%s can be reached by others, and needs both credentials', (host) => {
  expect(isLoopback(host)).toBe(false);
  expect(() => read(host)).toThrow(/BOARD_USERNAME and BOARD_PASSWORD/);
  expect(read(host, 'ada', LONG)).toEqual({ username: 'ada', password: LONG });
});

test.each<[string, Parameters<typeof read>, RegExp]>([
  ['a name without a password', ['127.0.0.1', 'ada'], /BOARD_PASSWORD is not/],
  ['a password without a name', ['127.0.0.1', undefined, LONG], /BOARD_USERNAME is not/],
  ['a name that no browser can send', ['127.0.0.1', 'a:b', LONG], /colon/],
  ['a short password that others may guess', ['0.0.0.0', 'ada', LONG.slice(1)], /12 or more/],
])('%s is refused, with the cure and without the password', (_case, settings, words) => {
  expect(() => read(...settings)).toThrow(
    expect.objectContaining({
      code: 'config.invalid',
      exitCode: 2,
      message: expect.stringMatching(words),
    }),
  );
  expect(() => read(...settings)).not.toThrow(/twelve/);
});
