// Every GraphQL document of these pages. A station that runs trusted documents only knows them
// from here, character by character: keep them free of substitutions.

export const STATION = `{
  station { name version parts { name state reason remedy } deviceCount }
}`;

export const DEVICES = `{
  devices(first: 100) {
    edges { node { serial port state status reason { sentence } lastChangeAt } }
  }
}`;

// The push says that something changed; what, the two queries tell in full.
export const CHANGES = `subscription { stationChanges { sequence } }`;
