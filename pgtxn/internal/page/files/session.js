// One session, with its stack of frames.

import { get, Refusal } from "./api.js";
import { bytes, clock, duration, element, moment, number, show } from "./text.js";

const dialog = document.querySelector("#session");
const title = document.querySelector("#session-title");
const ended = document.querySelector("#session-ended");
const facts = document.querySelector("#session-facts");
const frames = document.querySelector("#frames");

const rows = {
	Client: (s) => s.client + (s.tls ? ", with TLS" : ", without TLS"),
	Application: (s) => s.application_name,
	Since: (s) => moment(s.since),
	State: (s) => (s.draining ? `${s.state}, ends when it is idle` : s.state),
	Transaction: (s) => `${s.transaction_id}, ${{ I: "over", T: "open", E: "failed" }[s.transaction]}`,
	Pins: (s) => s.pins.join(", ") || "none",
	Backend: (s) => (s.backend ? `${s.backend.pid} at ${s.backend.address}` : "none"),
	Done: (s) => `${number(s.transactions)} transactions, ${number(s.statements)} statements`,
	Traffic: (s) => `${bytes(s.received_bytes)} received, ${bytes(s.sent_bytes)} sent`,
	Waited: (s) => `${duration(s.waited_seconds)} for backends`,
};

let current = ""; // the id of the one that is shown
let seen; // the hashes of its variables by frame, to mark what changes

/** open shows a session, which look() fills. */
export function open(id) {
	current = id;
	seen = undefined;
	show(title, `Session ${id}`);
	show(ended, "");
	facts.replaceChildren();
	frames.replaceChildren();
	dialog.showModal();
}

document.querySelector("#close").addEventListener("click", () => dialog.close());

/** look shows how the session is now, if one is open; false if none is. */
export async function look() {
	if (!dialog.open || ended.textContent !== "") {
		return false;
	}
	const id = current;
	try {
		const session = await get(`sessions/${encodeURIComponent(id)}`);
		if (id === current) {
			fill(session);
		}
		return true;
	} catch (error) {
		if (!(error instanceof Refusal) || error.status !== 404) {
			throw error;
		}
		show(ended, `It has ended, at ${clock(Date.now())} or before. This is how it was seen last.`);
		return true;
	}
}

function fill(session) {
	show(title, `Session ${session.id}: ${session.user} in ${session.database}`);
	for (const [name, text] of Object.entries(rows)) {
		let value = facts.querySelector(`[data-of="${name}"]`);
		if (!value) {
			value = element("dd", { "data-of": name });
			facts.append(element("div", {}, element("dt", {}, name), value));
		}
		show(value, text(session));
	}
	const now = new Map();
	const stack = session.frames.map((frame, depth) => frameElement(frame, depth, now)).reverse();
	if (seen === undefined || !equal(seen, now)) {
		frames.replaceChildren(...stack);
	}
	seen = now;
}

/** frameElement notes what the frame holds in now, and marks what was not there or had another value. */
function frameElement(frame, depth, now) {
	const name = frame.name ? ` ${frame.name}` : "";
	const variables = element("ul");
	now.set(`${depth} ${frame.kind}${name}`, "");
	for (const v of frame.variables) {
		const key = `${depth} ${frame.kind}${name} ${v.name}`;
		now.set(key, v.hash);
		const item = element("li", {}, element("code", {}, v.name), " = ", element("code", {}, v.value));
		const notes = [v.layer === "local" && "SET LOCAL", !v.known && "as asked for"].filter(Boolean);
		if (notes.length) {
			item.append(" ", element("small", {}, notes.join(", ")));
		}
		if (seen !== undefined && seen.get(key) !== v.hash) {
			item.dataset.mark = "changed";
		}
		variables.append(item);
	}
	const nothing = frame.variables.length ? variables : element("p", { class: "empty" }, "nothing changed");
	return element("li", { "data-kind": frame.kind }, element("h4", {}, frame.kind + name), nothing);
}

const equal = (a, b) => a.size === b.size && [...b].every(([key, value]) => a.get(key) === value);
