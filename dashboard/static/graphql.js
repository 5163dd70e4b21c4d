// The link to the station: queries over HTTP, subscriptions over graphql-transport-ws.

const ENDPOINT = "/graphql";
const ANSWER_WITHIN_MS = 10_000;
const PING_EVERY_MS = 10_000;
const PONG_WITHIN_MS = 5_000;
const LONGEST_RETRY_MS = 10_000;

/** A query that was answered with errors, or not at all; the message is for people. */
export class QueryFailed extends Error {}

/** Returns the data of a query; throws QueryFailed. */
export async function query(text) {
  const response = await ask(text);
  const answer = await response.json().catch(() => null);
  if (answer?.data && !answer.errors) return answer.data;
  const reasons = (answer?.errors ?? []).map((error) => error.message);
  // What refuses before GraphQL (no token, too large) answers with the REST envelope.
  const reason = reasons.join(" ") || answer?.error;
  throw new QueryFailed(reason || `The station answered with status ${response.status}.`);
}

async function ask(text) {
  try {
    return await fetch(ENDPOINT, {
      method: "POST",
      headers: { accept: "application/json", "content-type": "application/json" },
      body: JSON.stringify({ query: text }),
      cache: "no-store",
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
  } catch {
    throw new QueryFailed("The station does not answer.");
  }
}

/**
 * Keeps a subscription up for as long as the page lives. `onData` gets each answer's data,
 * `onLive` true when data flows and false when it no longer does.
 */
export function keepSubscribed(text, { onData, onLive }) {
  const client = connect(() => onLive(false));
  const again = () => {
    onLive(false);
    setTimeout(subscribe, LONGEST_RETRY_MS);
  };
  function subscribe() {
    client.subscribe(
      { query: text },
      {
        next: (answer) => {
          if (answer.errors || !answer.data) return;
          onLive(true);
          onData(answer.data);
        },
        error: again,
        complete: again,
      },
    );
  }
  subscribe();
}

function connect(onClosed) {
  const url = new URL(ENDPOINT, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  let overdue;
  const client = globalThis.graphqlWs.createClient({
    url: url.href,
    keepAlive: PING_EVERY_MS,
    retryAttempts: Infinity,
    shouldRetry: () => true,
    retryWait: (retries) => {
      const longest = Math.min(LONGEST_RETRY_MS, 500 * 2 ** Math.min(retries, 10));
      return new Promise((resolve) => setTimeout(resolve, longest * (0.5 + Math.random() / 2)));
    },
    on: {
      // A cable that was pulled closes nothing; only a pong that stays away shows it.
      ping: (received) => {
        if (!received) overdue = setTimeout(() => client.terminate(), PONG_WITHIN_MS);
      },
      pong: (received) => {
        if (received) clearTimeout(overdue);
      },
      closed: () => {
        clearTimeout(overdue);
        onClosed();
      },
    },
  });
  return client;
}
