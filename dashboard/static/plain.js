// The plain page: the station's name, its parts and its devices, live. Values reach the page only
// as text, never as markup.

import { CHANGES, DEVICES, STATION } from "./documents.js";
import { keepSubscribed, query } from "./graphql.js";

// Pushes ask at once, but no more often than this; without pushes the page asks by itself.
const LEAST_GAP_MS = 300;
const ASK_EVERY_MS = 5_000;

// How devices and parts stand, as the station judged them: what a script wrote last is not enough.
const TONES = {
  COMPLETE: "good",
  READY: "good",
  FAILED: "bad",
  STALLED: "bad",
  UNAVAILABLE: "bad",
  ACTIVE: "busy",
  SKIPPED: "off",
};
const SIGNS = { good: "\u2714", bad: "\u2716", busy: "\u25B6", off: "\u25CB", neutral: "\u2022" };

const clock = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const onPage = (id) => document.getElementById(id);

let live = false;
let answered = null;
let failure = null;
let deviceCount = null;

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function stateBadge(state) {
  const tone = TONES[state] ?? "neutral";
  const badge = element("span", undefined, { class: "state", "data-tone": tone });
  badge.append(element("span", SIGNS[tone], { "aria-hidden": "true" }), ` ${state || "unknown"}`);
  return badge;
}

function showNote(id, text) {
  const note = onPage(id);
  if (note.textContent !== text) note.textContent = text;
  note.hidden = text === "";
}

function showStation(station) {
  document.title = `${station.name} - provisioning station`;
  onPage("station-name").textContent = station.name;
  deviceCount = station.deviceCount;
  const facts = [];
  if (station.version) facts.push(`Version ${station.version}`);
  if (deviceCount !== null) facts.push(deviceCount === 1 ? "1 device" : `${deviceCount} devices`);
  if (facts.length) onPage("station-facts").textContent = facts.join(" \u00B7 ");
  onPage("parts").replaceChildren(...station.parts.map(partItem));
}

function partItem(part) {
  const item = element("li");
  item.append(element("strong", part.name), " ", stateBadge(part.state));
  if (part.reason) item.append(element("p", part.reason));
  if (part.remedy) item.append(element("p", part.remedy, { class: "remedy" }));
  return item;
}

function showDevices(devices) {
  onPage("device-rows").replaceChildren(...devices.map(deviceRow));
  onPage("device-table").hidden = devices.length === 0;
  if (devices.length === 0) showNote("devices-note", "No device yet. Plug a board into a port.");
  else if (deviceCount > devices.length)
    showNote("devices-note", `The ${devices.length} that changed last, of ${deviceCount}.`);
  else showNote("devices-note", "");
}

function deviceRow(device) {
  const row = element("tr");
  const serial = element("th", device.serial || "not known yet", { scope: "row" });
  const state = element("td", undefined, { "data-label": "State" });
  state.append(stateBadge(device.status), element("p", device.state, { class: "remedy" }));
  if (device.reason) state.append(element("p", device.reason.sentence));
  row.append(serial, element("td", device.port || "\u2013", { "data-label": "Port" }), state);
  const changed = element("td", undefined, { "data-label": "Last change" });
  changed.append(timeOf(device.lastChangeAt));
  row.append(changed);
  return row;
}

function timeOf(text) {
  if (!text) return "\u2013";
  return element("time", clock.format(new Date(text)), { datetime: text });
}

function showLink() {
  const link = onPage("link");
  const [kind, text] = linkInWords();
  document.body.toggleAttribute("data-stale", kind === "lost");
  link.dataset.link = kind;
  // A status that is written again is read out again.
  if (link.textContent !== text) link.textContent = text;
}

function linkInWords() {
  if (failure && answered)
    return ["lost", `${failure} What you see is from ${clock.format(answered)}.`];
  if (failure) return ["lost", failure];
  // A socket that is open has shown nothing yet.
  if (live && answered) return ["live", "Live"];
  return ["asking", `Asking every ${ASK_EVERY_MS / 1000} seconds`];
}

/** Asks once; a failure is told beside what it concerns, and what is shown already stays. */
async function askFor(text, show, noteId) {
  try {
    show(await query(text));
    return null;
  } catch (error) {
    showNote(noteId, error.message);
    return error.message;
  }
}

async function refresh() {
  const failures = [
    await askFor(
      STATION,
      ({ station }) => {
        showNote("parts-note", "");
        showStation(station);
      },
      "parts-note",
    ),
    await askFor(
      DEVICES,
      ({ devices }) => showDevices(devices.edges.map((edge) => edge.node)),
      "devices-note",
    ),
  ];
  failure = failures.find(Boolean) ?? null;
  if (!failure) answered = new Date();
  showLink();
}

let asking = false;
let askAgain = false;

/** Asks now, or once more after what is under way: a storm of pushes costs one question a gap. */
async function refreshSoon() {
  askAgain = true;
  if (asking) return;
  asking = true;
  while (askAgain) {
    askAgain = false;
    await refresh();
    await new Promise((resolve) => setTimeout(resolve, LEAST_GAP_MS));
  }
  asking = false;
}

keepSubscribed(CHANGES, {
  onData: refreshSoon,
  onLive: (now) => {
    live = now;
    showLink();
  },
});
setInterval(refreshSoon, ASK_EVERY_MS);
refreshSoon();
