// Breaks each rule of graphql-transport-ws once, frame by frame with the package ws, and prints
// how the socket was closed. Arguments: the URL; the URL of a station that wants a token.
import { CloseCode } from 'graphql-ws';
import WebSocket from 'ws';

const [url, locked] = process.argv.slice(2);
const PROTOCOL = 'graphql-transport-ws';
const INIT = { type: 'connection_init' };
const WATCH = { query: 'subscription { stationChanges { sequence } }' };
const subscribe = (id, payload = WATCH) => ({ id, type: 'subscribe', payload });

/** Sends `frames`, each after an answer to the one before it, and tells how that ended. */
function closing(address, frames, protocol = PROTOCOL) {
  return new Promise((resolve, reject) => {
    // As a header: the package itself gives up on a server that takes none of its protocols.
    const headers = protocol && protocol !== PROTOCOL ? { 'Sec-WebSocket-Protocol': protocol } : {};
    const socket = new WebSocket(address, protocol === PROTOCOL ? [protocol] : [], { headers });
    const waiting = [...frames];
    const send = () => {
      const frame = waiting.shift();
      if (frame === undefined) return;
      socket.send(typeof frame === 'object' && !Buffer.isBuffer(frame) ? JSON.stringify(frame) : frame);
    };
    socket.on('open', send);
    socket.on('message', (data) => {
      if (JSON.parse(data).type === 'error') reject(new Error(`refused: ${data}`));
      else send();
    });
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    socket.on('error', reject);
  });
}

const cases = {
  unknownType: closing(url, [{ type: 'start' }]),
  noJson: closing(url, ['{"type":"ping",}']),
  notANumber: closing(url, ['{"type":"ping","payload":{"a":NaN}}']),
  loneSurrogate: closing(url, ['{"type":"ping","payload":{"a":"\\ud800"}}']),
  binary: closing(url, [Buffer.from('{"type":"ping"}')]),
  noId: closing(url, [INIT, { type: 'subscribe', payload: WATCH }]),
  beforeInit: closing(url, [subscribe('1')]),
  noToken: closing(locked, [INIT]),
  oldProtocol: closing(url, [INIT], 'graphql-ws'),
  noProtocol: closing(url, [INIT], ''),
  silence: closing(url, []),
  sameId: closing(url, [INIT, subscribe('1'), subscribe('1')]),
  secondInit: closing(url, [INIT, INIT]),
};
const results = {};
for (const [name, closed] of Object.entries(cases)) results[name] = await closed;
console.log(JSON.stringify({ results, codes: CloseCode }));
