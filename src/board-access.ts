/** Who may open the board: this machine alone, or whoever has the name and password. Pure. */
import { isIPv4 } from 'node:net';
import { type Config } from './config.js';
import { SyncError } from './errors.js';

export interface Credentials {
  username: string;
  password: string;
}

/** Nothing slows down somebody who guesses over the network. */
const SHORTEST_PASSWORD = 12;

/**
 * @returns null when the board is for this machine alone.
 * @throws SyncError `config.invalid` for half of the credentials, and beyond loopback for none or a password that is short.
 */
export function readBoardAccess(
  config: Pick<Config, 'BOARD_HOST' | 'BOARD_USERNAME' | 'BOARD_PASSWORD'>,
): Credentials | null {
  const { BOARD_HOST: host, BOARD_USERNAME: username, BOARD_PASSWORD: password } = config;
  const isOpen = !isLoopback(host);
  if (!username && !password) {
    if (!isOpen) return null;
    throw refuse(
      `BOARD_HOST is ${host}, which others can reach: set BOARD_USERNAME and BOARD_PASSWORD, or leave BOARD_HOST at 127.0.0.1.`,
    );
  }
  if (!username || !password) {
    throw refuse(
      `${username ? 'BOARD_USERNAME' : 'BOARD_PASSWORD'} is set and ${username ? 'BOARD_PASSWORD' : 'BOARD_USERNAME'} is not. Set both, or neither.`,
    );
  }
  if (username.includes(':')) {
    throw refuse('BOARD_USERNAME: holds a colon, which no browser can send. Choose another.');
  }
  if (isOpen && password.length < SHORTEST_PASSWORD) {
    throw refuse(
      `BOARD_PASSWORD: has ${password.length} characters, and BOARD_HOST is ${host}, which others can reach. Use ${SHORTEST_PASSWORD} or more.`,
    );
  }
  return { username, password };
}

/** An address or name that only this machine can reach; an IPv6 address with or without its brackets. */
export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith('127.');
  return ['localhost', '::1', '[::1]'].includes(host.toLowerCase());
}

function refuse(problem: string): SyncError {
  return new SyncError('config.invalid', problem);
}
