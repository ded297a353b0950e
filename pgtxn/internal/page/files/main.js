// What is shown, and how often it is asked for. Nothing is asked for while nobody looks: each question is a line in
// Caddy's log.

import { get, Refusal } from "./api.js";
import { certificates } from "./certificates.js";
import { look, open } from "./session.js";
import { sessions } from "./sessions.js";
import { Table } from "./table.js";
import { clock, duration, element, moment, number, show } from "./text.js";

const region = (id) => document.querySelector(`#${id} .scroll`);
const status = document.querySelector("#status");

const poolTable = new Table(region("pools"), [
	{ title: "User", text: (p) => p.user },
	{ title: "Database", text: (p) => p.database },
	{ title: "Servers", text: (p) => p.upstream.join(", ") },
	{ title: "Mode", text: (p) => p.pool_mode + (p.paused ? ", paused" : ""), mark: (p) => (p.paused ? "warn" : "") },
	{ title: "Sessions", kind: "number", text: (p) => number(p.sessions) },
	{ title: "Waiting", kind: "number", text: (p) => number(p.waiting), mark: (p) => (p.waiting ? "waiting" : "") },
	{ title: "Longest wait", kind: "number", text: (p) => (p.waiting ? duration(p.oldest_wait_seconds) : "") },
	{ title: "Active", kind: "number", text: (p) => number(p.active) },
	{ title: "Idle", kind: "number", text: (p) => number(p.idle) },
	{ title: "Size", kind: "number", text: (p) => number(p.size) },
	{ title: "Transactions", kind: "number", text: (p) => number(p.transactions) },
	{ title: "Drifts", kind: "number", text: (p) => number(p.drifts), mark: (p) => (p.drifts ? "bad" : "") },
], (p) => [p.user, p.database, ...p.upstream].join("\0"), "There are none: no client has come yet.");

async function pools() {
	const list = await get("pools");
	poolTable.update(list);
	for (const field of ["user", "database"]) {
		const known = document.querySelector(`#${field}s`);
		const words = [...new Set(list.map((p) => p[field]))].sort();
		if (words.join("\0") !== [...known.children].map((o) => o.value).join("\0")) {
			known.replaceChildren(...words.map((value) => element("option", { value })));
		}
	}
}

const logTable = new Table(region("log"), [
	{ title: "Time", kind: "time", text: (i) => moment(i.time) },
	{ title: "Kind", text: (i) => i.kind, mark: (i) => (i.kind === "pin" ? "pinned" : "bad") },
	{ title: "Reason", text: (i) => i.reason },
	{ title: "Variables", text: (i) => (i.variables ?? []).join(", ") },
	{ title: "Transaction", text: (i) => i.transaction },
	{ title: "User", text: (i) => i.user },
	{ title: "Database", text: (i) => i.database },
	{ title: "Client", text: (i) => i.client },
	{ title: "Backend", kind: "number", text: (i) => String(i.backend) },
], (i) => [i.time, i.kind, i.transaction, i.reason].join(" "), "There is nothing.");

const log = async () => logTable.update((await get("log", { limit: 100 })).reverse());

// Reachability: the first question that fails says since when, and the last that is answered again ends it.

const failing = new Set(); // questions
let failedSince;
let answeredAt;

function answered(ask) {
	failing.delete(ask);
	if (failing.size === 0) {
		answeredAt = Date.now();
		document.body.classList.remove("stale");
		show(status, "Live");
	}
}

function failed(ask, error) {
	if (failing.size === 0) {
		failedSince = Date.now();
	}
	failing.add(ask);
	document.body.classList.add("stale");
	const why = error instanceof Refusal ? error.message : "it can't be reached";
	const old = answeredAt ? ` What is shown is of ${clock(answeredAt)}.` : "";
	show(status, `No answer from the admin API since ${clock(failedSince)}: ${why}.${old}`);
}

/**
 * every asks again and again, so many seconds after the last answer, while the page is looked at. What it returns asks at
 * once.
 */
function every(seconds, ask) {
	let timer;
	let asking = false;
	let again = false;
	const now = async () => {
		clearTimeout(timer);
		again = asking;
		if (document.hidden || asking) {
			return;
		}
		asking = true;
		try {
			if (await ask() !== false) {
				answered(ask);
			}
		} catch (error) {
			failed(ask, error);
		}
		asking = false;
		timer = setTimeout(now, again ? 0 : seconds * 1000);
	};
	document.addEventListener("visibilitychange", now);
	now();
	return now;
}

const lookNow = every(1, look);
const askForSessions = every(2, sessions((id) => { open(id); lookNow(); }, () => askForSessions()));
every(2, pools);
every(5, log);
every(300, certificates());
