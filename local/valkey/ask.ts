import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

const LIMIT_MS = 1_000;

/**
 * Asks a Valkey server on 127.0.0.1 one thing over a connection of its own; a start-up probe needs no client library.
 *
 * @returns the reply as it came over the wire, without its last line end (`+PONG`)
 * @throws Error when there is no connection, or no response within 1 s
 */
export async function ask(port: number, command: readonly string[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', signal: AbortSignal.timeout(LIMIT_MS) });
  try {
    await once(socket, 'connect');
    socket.write(respCommand(command));
    // The server closes after QUIT, which ends the text.
    socket.write(respCommand(['QUIT']));
    return (await text(socket)).replace(/\+OK\r\n$/, '').trimEnd();
  } finally {
    socket.destroy();
  }
}

/** A command in the server's protocol: an array of byte strings, each with its length in bytes. */
function respCommand(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}
