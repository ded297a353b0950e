// The list of sessions: which are shown, and how the keyboard goes through them.

import { get } from "./api.js";
import { Table } from "./table.js";
import { age, duration, element, number } from "./text.js";

const section = document.querySelector("#sessions");
const filters = document.querySelector("#filters");
const more = document.querySelector("#more");
const page = 100;

const columns = [
	{ title: "Session", text: (s) => s.id },
	{ title: "Client", text: (s) => s.client },
	{ title: "User", text: (s) => s.user },
	{ title: "Database", text: (s) => s.database },
	{ title: "Application", text: (s) => s.application_name },
	{ title: "State", text: (s) => (s.waiting_seconds ? `waiting for ${duration(s.waiting_seconds)}` : s.state), mark: (s) => s.state },
	{ title: "Transaction", text: (s) => ({ I: "none", T: "open", E: "failed" })[s.transaction], mark: (s) => s.transaction },
	{ title: "Depth", kind: "number", text: (s) => String(s.frames.length - 1) },
	{ title: "Pins", text: (s) => s.pins.join(", "), mark: (s) => (s.pins.length ? "pinned" : "") },
	{ title: "Backend", kind: "number", text: (s) => (s.backend ? String(s.backend.pid) : "") },
	{ title: "Transactions", kind: "number", text: (s) => number(s.transactions) },
	{ title: "Age", kind: "number", text: (s) => age(s.since) },
];

/** sessions shows the list; open(id) is called for the one that is chosen. */
export function sessions(open, changed) {
	let limit = page;
	const region = section.querySelector(".scroll");
	const table = new Table(region, columns, (s) => s.id, "There are none.", (s) => {
		const button = element("button", { type: "button", class: "link", tabindex: "-1" });
		button.addEventListener("click", () => open(s.id));
		return button;
	});
	const buttons = () => [...table.body.querySelectorAll("button")];

	// One button of the list is in the tab order: the last that had the focus, or the first.
	const choose = (chosen) => buttons().forEach((b) => { b.tabIndex = b === chosen ? 0 : -1; });
	table.body.addEventListener("focusin", (event) => choose(event.target));
	table.body.addEventListener("keydown", (event) => {
		const all = buttons();
		const at = all.indexOf(document.activeElement);
		const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
		if (to !== undefined) {
			event.preventDefault();
			all[Math.max(0, Math.min(to, all.length - 1))]?.focus();
		}
	});
	filters.addEventListener("submit", (event) => event.preventDefault());
	filters.addEventListener("input", () => {
		limit = page;
		changed();
	});
	more.addEventListener("click", () => {
		limit += page;
		changed();
	});

	return async () => {
		const chosen = Object.fromEntries(new FormData(filters));
		const list = await get("sessions", { ...chosen, limit: limit + 1 });
		const at = buttons().indexOf(document.activeElement);
		table.update(list.slice(0, limit));
		more.hidden = list.length <= limit;
		const left = buttons();
		if (at >= 0 && !left.includes(document.activeElement)) { // the session that had the focus has ended
			left[Math.min(at, left.length - 1)]?.focus();
		}
		if (!left.some((b) => b.tabIndex === 0)) {
			choose(left[0]);
		}
	};
}
