// The certificates of tlsreload and of Caddy itself, those that expire first at the top.

import { get, Refusal } from "./api.js";
import { Table } from "./table.js";
import { age, duration, moment } from "./text.js";

const soon = 14 * 86400; // seconds

const left = (c) => (Date.parse(c.not_after) - Date.now()) / 1000;

const columns = [
	{ title: "Names", text: (c) => c.names.join(", ") },
	{ title: "Set", text: (c) => c.set },
	{ title: "Expires", kind: "time", text: (c) => moment(c.not_after) },
	{
		title: "Left", kind: "number",
		text: (c) => (left(c) > 0 ? duration(left(c)) + (left(c) < soon ? ", soon" : "") : `expired ${age(c.not_after)} ago`),
		mark: (c) => (left(c) <= 0 ? "bad" : left(c) < soon ? "warn" : ""),
	},
	{ title: "Issuer", text: (c) => c.issuer },
	{ title: "Shown to", text: (c) => (c.use === "upstream" ? "servers" : "clients") },
	{ title: "Sources", text: (c) => (c.degraded ? "can't be loaded: an older set is served" : "as served"), mark: (c) => (c.degraded ? "bad" : "") },
];

export function certificates() {
	const region = document.querySelector("#certificates .scroll");
	const table = new Table(region, columns, (c) => `${c.set} ${c.use} ${c.sha256 ?? c.names}`, "There are none.");
	return async () => {
		try {
			const [sets, status] = await Promise.all([get("/tlsreload/certificates"), get("/tlsreload/status")]);
			const degraded = new Set(status.sets.filter((s) => s.degraded).map((s) => s.name));
			const all = [
				...sets.flatMap((set) => set.certificates.map((c) => ({ ...c, set: set.name, degraded: degraded.has(set.name) }))),
				...status.managed.map((c) => ({ ...c, set: "Caddy's own" })),
			];
			table.update(all.sort((a, b) => Date.parse(a.not_after) - Date.parse(b.not_after)));
		} catch (error) {
			if (!(error instanceof Refusal)) {
				throw error;
			}
			table.update([]);
			table.say(error.status === 404 ? "There is no app tlsreload in the configuration." : error.message);
		}
	};
}
