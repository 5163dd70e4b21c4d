// Wires GraphiQL to this station: queries over HTTP, subscriptions over graphql-transport-ws.
"use strict";

(() => {
  const endpoint = new URL("/graphql", location.href);
  const socket = new URL(endpoint);
  socket.protocol = location.protocol === "https:" ? "wss:" : "ws:";

  const welcome = `# The station's API. Ctrl-Space completes, Ctrl-Enter runs.
query Station {
  station {
    name
    version
    parts { name state reason remedy }
    deviceCount
  }
}

subscription StationChanges {
  stationChanges {
    sequence
    station { name deviceCount }
  }
}
`;

  const fetcher = GraphiQL.createFetcher({
    url: endpoint.href,
    subscriptionUrl: socket.href,
  });
  const page = React.createElement(GraphiQL, {
    fetcher,
    defaultQuery: welcome,
    defaultEditorToolsVisibility: true,
    shouldPersistHeaders: false,
  });
  ReactDOM.createRoot(document.getElementById("graphiql")).render(page);
})();
