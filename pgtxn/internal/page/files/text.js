// Values as people read them. Everything that is shown goes through element() as text, never as HTML: names of users,
// databases and applications are chosen by clients.

/** element makes an element with attributes and with children, which are elements or text. */
export function element(tag, attributes = {}, ...children) {
	const made = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		made.setAttribute(name, value);
	}
	made.append(...children);
	return made;
}

/** show changes the text of an element only if it is another, so that nothing is read out or painted for nothing. */
export function show(target, text) {
	if (target.textContent !== text) {
		target.textContent = text;
	}
}

const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

/** duration writes seconds with their two largest units. */
export function duration(seconds) {
	if (seconds > 0 && seconds < 1) {
		return `${Math.max(1, Math.round(seconds * 1000))} ms`;
	}
	let rest = Math.floor(seconds);
	const parts = [];
	for (const [unit, size] of units) {
		if (rest >= size || (unit === "s" && parts.length === 0)) {
			parts.push(`${Math.floor(rest / size)} ${unit}`);
			rest %= size;
		}
	}
	return parts.slice(0, 2).join(" ");
}

/** age is how long ago a time was. */
export const age = (time) => duration(Math.max(0, (Date.now() - Date.parse(time)) / 1000));

export const clock = (time) => new Date(time).toLocaleTimeString([], { hour12: false });

export const moment = (time) => `${new Date(time).toLocaleDateString("sv")} ${clock(time)}`;

export const number = (n) => n.toLocaleString("en");

/** bytes writes a size with its unit, in powers of 1024. */
export function bytes(n) {
	const sizes = ["B", "kB", "MB", "GB", "TB"];
	let i = 0;
	for (; n >= 1024 && i < sizes.length - 1; i++) {
		n /= 1024;
	}
	return `${i > 0 && n < 10 ? n.toFixed(1) : Math.round(n)} ${sizes[i]}`;
}
