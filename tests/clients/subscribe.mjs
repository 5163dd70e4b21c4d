// Lives the life of a client with the package graphql-ws: subscribe, change, complete, ping, be
// refused, and come back after the station went away. Argument: the URL of /graphql (ws).
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const url = process.argv[2];
const events = [];
const heard = new EventTarget();
const client = createClient({
  url,
  webSocketImpl: WebSocket,
  keepAlive: 50,
  lazy: false,
  on: {
    connected: () => events.push('connected'),
    ping: (received) => events.push(received ? 'pinged' : 'ping'),
    pong: (received) => {
      events.push(received ? 'pong' : 'ponged');
      heard.dispatchEvent(new Event('pong'));
    },
    closed: ({ code }) => {
      events.push(`closed ${code}`);
      heard.dispatchEvent(new Event('closed'));
    },
  },
});

const rename = (name) => once(`mutation { renameStation(input: {name: "${name}"}) { __typename } }`);

async function once(query, variables) {
  const results = [];
  for await (const result of client.iterate({ query, variables })) results.push(result);
  return results;
}

async function refused(query) {
  try {
    return await once(query);
  } catch (errors) {
    return errors.map((error) => error.extensions.code);
  }
}

const next = (name) => new Promise((resolve) => heard.addEventListener(name, resolve, { once: true }));
const pong = next('pong');
const closed = next('closed');
const names = [];
const changes = client.iterate({ query: 'subscription { stationChanges { sequence station { name } } }' });
for await (const { data } of changes) {
  names.push(data.stationChanges.station.name);
  if (names.length === 1) await rename('Line 8');
  if (names.at(-1) === 'Line 8') break; // leaves with a complete message
}
const answer = await once('query ($n: Int!) { devices(first: $n) { nodes { serial } } }', { n: 2 });
const codes = await refused('subscription { none }');
await pong;
client.dispose();
await closed;
console.log(JSON.stringify({ names, answer, codes, events }));
