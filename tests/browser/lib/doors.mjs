// Ways to the board, each from an address of its own: the portal takes only so many forms a minute
// from one address, and people who write to a board do not share one.

import { connect, createServer } from 'node:net';

/** How many addresses there are. */
const MOST = 200;
/** The portal takes 60 forms a minute from one address. */
const FORMS = 50;

let last = 1;

/** Whether this machine lets us come from other addresses than the usual one; Linux does. */
function comesFrom(target, localAddress) {
  return new Promise((tell) => {
    const socket = connect({ ...target, localAddress });
    socket.once('connect', () => { socket.destroy(); tell(true); });
    socket.once('error', () => tell(false));
  });
}

/** So many forms from one address, no faster than the portal takes them. */
class Pace {
  #left = FORMS;
  #at = Date.now();

  async take() {
    for (;;) {
      const now = Date.now();
      this.#left = Math.min(FORMS, this.#left + (now - this.#at) / 1000);
      this.#at = now;
      if (this.#left >= 1) break;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    this.#left -= 1;
  }
}

const shared = new Pace();
const servers = [];

/** A way to the board: its origin, and the pace of its address. */
export async function openDoor(board) {
  const { hostname, port } = new URL(board.origin);
  const target = { host: hostname, port: Number(port) };
  last = last >= MOST ? 2 : last + 1;
  const localAddress = `127.0.0.${last}`;
  if (hostname !== '127.0.0.1' || !(await comesFrom(target, localAddress))) {
    return { origin: board.origin, pace: shared };
  }
  const server = createServer((here) => {
    const there = connect({ ...target, localAddress });
    // What has come is still delivered, however the other side ended.
    for (const [one, other] of [[here, there], [there, here]]) {
      one.setNoDelay(true).on('error', () => other.end()).on('close', () => other.end());
    }
    here.pipe(there).pipe(here);
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  server.unref();
  servers.push(server);
  return { origin: `http://127.0.0.1:${server.address().port}`, pace: new Pace() };
}

/** Closes all of them. */
export function closeDoors() {
  for (const server of servers) server.close();
}
