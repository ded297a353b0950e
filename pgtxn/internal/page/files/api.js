// What the admin API says.

const patience = 10_000; // milliseconds

/** Refusal is an answer that is an error. */
export class Refusal extends Error {
	constructor(status, message) {
		super(message);
		this.status = status;
	}
}

/** get returns the JSON at a path of the admin API, and throws a Refusal if it answers with an error. */
export async function get(path, parameters = {}) {
	const url = new URL(path, document.baseURI);
	for (const [name, value] of Object.entries(parameters)) {
		if (value !== "") {
			url.searchParams.set(name, value);
		}
	}
	const response = await fetch(url, { signal: AbortSignal.timeout(patience), cache: "no-store" });
	const text = await response.text();
	if (!response.ok) {
		throw new Refusal(response.status, reason(text) ?? `${response.status} ${response.statusText}`);
	}
	return JSON.parse(text);
}

function reason(text) {
	try {
		return JSON.parse(text).error;
	} catch {
		return undefined;
	}
}
