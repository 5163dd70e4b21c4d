// Follows the line with the package graphql-ws and comes back whenever the station goes away:
// prints every frame of topologyChanges and deviceChanges as one line of JSON, until stdin ends.
// Argument: the URL of /graphql (ws).
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const client = createClient({
  url: process.argv[2],
  webSocketImpl: WebSocket,
  retryAttempts: Infinity,
  retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
  shouldRetry: () => true,
});
const queries = {
  topologyChanges:
    'subscription { topologyChanges { sequence snapshot nodes { id serial state } removedNodes } }',
  deviceChanges: 'subscription { deviceChanges { sequence snapshot devices { serial port state } gone } }',
};
for (const [name, query] of Object.entries(queries)) {
  client.subscribe(
    { query },
    {
      next: ({ data }) => console.log(JSON.stringify({ name, frame: data[name] })),
      error: (error) => console.log(JSON.stringify({ name, error: String(error) })),
      complete: () => {},
    },
  );
}
// A retry that is refused while the client leaves is nobody's business any more.
process.on('unhandledRejection', () => {});
process.stdin.on('end', () => client.dispose()).resume();
